import { FlotillaError } from '#proto/faults.ts';

/** @throws FlotillaError hub-refused where a list argument is longer than allowed */
export function refuseMore(name: string, values: readonly unknown[], most: number): void {
  if (values.length > most) {
    throw new FlotillaError(
      'hub-refused',
      `${name} has ${values.length} entries, at most ${most} are allowed`,
    );
  }
}
