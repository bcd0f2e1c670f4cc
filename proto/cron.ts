/**
 * Cron expressions of five fields, as in crontab(5): minute, hour, day of month, month, day of week; `*`, numbers, names of
 * months and days, ranges, steps and lists. Day of month and day of week are joined by "or" when both are restricted.
 */
export type Cron = {
  readonly minutes: ReadonlySet<number>;
  readonly hours: ReadonlySet<number>;
  readonly days: ReadonlySet<number>;
  readonly months: ReadonlySet<number>;
  /** 0 is Sunday. */
  readonly weekdays: ReadonlySet<number>;
  /** Whether a day counts when either of the two day fields holds: neither starts with `*`. */
  readonly eitherDay: boolean;
};

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const FIELDS = [
  { what: 'minute', least: 0, most: 59, names: [] as string[] },
  { what: 'hour', least: 0, most: 23, names: [] as string[] },
  { what: 'day of month', least: 1, most: 31, names: [] as string[] },
  { what: 'month', least: 1, most: 12, names: MONTHS },
  { what: 'day of week', least: 0, most: 7, names: WEEKDAYS },
] as const;
type Field = (typeof FIELDS)[number];
const LONGEST_MONTH = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** The expression, or what is wrong with it in words. */
export function parseCron(text: string): Cron | { readonly fault: string } {
  const parts = text.trim().split(/\s+/);
  if (parts.length !== FIELDS.length || text.trim() === '') {
    return {
      fault: `not a cron expression: it has ${text.trim() === '' ? 0 : parts.length} fields instead of 5`,
    };
  }
  const sets: Set<number>[] = [];
  for (const [index, field] of FIELDS.entries()) {
    const values = readField(parts[index]!, field);
    if (typeof values === 'string') return { fault: values };
    sets.push(values);
  }
  const [minutes, hours, days, months, weekdays] = sets as [
    Set<number>,
    Set<number>,
    Set<number>,
    Set<number>,
    Set<number>,
  ];
  if (weekdays.delete(7)) weekdays.add(0);
  const eitherDay = !parts[2]!.startsWith('*') && !parts[4]!.startsWith('*');
  if (!eitherDay && ![...months].some((month) => [...days].some((day) => day <= LONGEST_MONTH[month - 1]!)))
    return { fault: `never comes: day ${parts[2]} of month ${parts[3]} does not exist` };
  return { minutes, hours, days, months, weekdays, eitherDay };
}

/** What is wrong with a cron expression; undefined when nothing is. */
export function cronFault(text: string): string | undefined {
  const parsed = parseCron(text);
  return 'fault' in parsed ? parsed.fault : undefined;
}

function readField(text: string, field: Field): Set<number> | string {
  const values = new Set<number>();
  for (const part of text.split(',')) {
    const fault = readPart(part, field, values);
    if (fault !== undefined) return fault;
  }
  return values;
}

function readPart(part: string, field: Field, into: Set<number>): string | undefined {
  const { what, least, most } = field;
  const [, range, step] = /^([^/]+)(?:\/([0-9]{1,3}))?$/.exec(part) ?? [];
  const wrong = `${what} ${JSON.stringify(part)} is not between ${least} and ${most}`;
  if (range === undefined) return wrong;
  const every = step === undefined ? 1 : Number(step);
  if (every < 1) return `${what} ${JSON.stringify(part)} has a step of 0`;
  const [from, to, more] =
    range === '*' ? [least, most] : range.split('-').map((one) => numberOf(one, field));
  if (from === undefined || Number.isNaN(from) || Number.isNaN(to) || more !== undefined) return wrong;
  const last = to ?? (step === undefined ? from : most);
  if (from < least || last > most) return wrong;
  if (last < from) return `${what} ${JSON.stringify(part)} ends before it begins`;
  for (let value = from; value <= last; value += every) into.add(value);
  return undefined;
}

/** A number or a name; NaN for anything else. */
function numberOf(text: string, { names, least }: Field): number {
  if (/^[0-9]{1,2}$/.test(text)) return Number(text);
  const index = names.indexOf(text.toLowerCase());
  return index < 0 ? Number.NaN : index + least;
}
