// `npm run docs`: writes every page of docs/ that is generated from sources.
import { writeErrorsPage } from './errors-page.ts';
import { writeSchemas } from './schemas.ts';

writeErrorsPage();
writeSchemas();
