/** fast-check that plays the same runs every time. */
import fc from 'fast-check';
import { SEED } from './bed/random.ts';

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: SEED });

export { default } from 'fast-check';
