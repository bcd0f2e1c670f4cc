import { type Flags, type Parsed, usage } from '../args.ts';
import { FORMATS, type Format } from '../output/print.ts';

/** What the API tells of a status, and how the CLI hands it on. */
export const STATUS = `status {
  headline reason connectivity sync drift health since observedAt
  axes { name state reason since }
}`;
export type Status = {
  headline: string;
  reason: string | null;
  connectivity: string;
  sync: string;
  drift: string;
  health: string;
  since: string;
  observedAt: string | null;
  axes: { name: string; state: string; reason: string | null; since: string }[];
};
export type Label = { key: string; value: string };

export const SELECTOR: Flags = {
  selector: {
    short: 'l',
    value: 'SELECTOR',
    describe: 'labels of the cluster, e.g. env=prod,region in (eu,us)',
  },
};
export const WATCH: Flags = { watch: { short: 'w', describe: 'go on showing what changes, until Ctrl-C' } };

/** `-o`; what is printed without it is the first. */
export const outputFlag = (formats: readonly [string, ...string[]] = FORMATS): Flags => ({
  output: {
    short: 'o',
    value: 'FORMAT',
    choices: formats,
    describe: `how to print it (default: ${formats[0]})`,
  },
});
export const TEXT_OR_JSON = outputFlag(['text', 'json']);

export const formatOf = ({ values }: Parsed): Format => (values.get('output')?.[0] ?? 'table') as Format;
export const flagValue = ({ values }: Parsed, flag: string): string | undefined => values.get(flag)?.[0];

/** @throws FlotillaError usage where a verb that takes no words is given some */
export function refuseWords({ positionals: [word] }: Parsed): void {
  if (word !== undefined) throw usage(`unexpected word ${word}`);
}

export const labelMap = (labels: readonly Label[]): Record<string, string> =>
  Object.fromEntries(labels.map(({ key, value }) => [key, value]));
