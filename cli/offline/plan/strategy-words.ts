import { canonicalJson } from '#proto/canonical.ts';
import type { GateSpec, RolloutStrategy, StageSpec, WindowSpec } from '#proto/documents/strategy.ts';
import { formatSelector } from '#proto/selector.ts';

type Spec = RolloutStrategy['spec'];

/** How two strategies differ, in words: stages that come, go or change places, and what is another budget, gate, window or deadline. */
export function strategyDifferences({ spec: was }: RolloutStrategy, { spec: is }: RolloutStrategy): string[] {
  return [
    ...stagesOf(was, is),
    ...is.stages.flatMap((stage) => {
      const old = was.stages.find(({ name }) => name === stage.name);
      return old ? changes(stageFields(old), stageFields(stage), `stage ${stage.name}: `) : [];
    }),
    ...changes(fieldsOf(was), fieldsOf(is)),
    ...listChanges('window', (was.windows ?? []).map(windowText), (is.windows ?? []).map(windowText)),
  ];
}

function stagesOf(was: Spec, is: Spec): string[] {
  const [old, now] = [was, is].map(({ stages }) => stages.map(({ name }) => name)) as [string[], string[]];
  const added = now.filter((name) => !old.includes(name));
  const removed = old.filter((name) => !now.includes(name));
  const kept = now.filter((name) => old.includes(name));
  const isMoved = canonicalJson(old.filter((name) => now.includes(name))) !== canonicalJson(kept);
  const place = (name: string) => {
    const at = now.indexOf(name);
    return at === 0 ? 'first' : `after ${now[at - 1]}`;
  };
  return [
    ...added.map((name) => {
      const { selector, ...stage } = is.stages.find((one) => one.name === name)!;
      const { selector: _, ...fields } = stageFields({ ...stage, selector });
      const more = Object.entries(fields).flatMap(([field, text]) =>
        text === '-' ? [] : [`${field} ${text}`],
      );
      return `stage ${name} is added, ${place(name)}: ${[selectorText(selector), ...more].join('; ')}`;
    }),
    ...removed.map((name) => `stage ${name} is removed`),
    ...(isMoved ? [`stages change places: ${old.join(', ')} → ${now.join(', ')}`] : []),
  ];
}

const stageFields = ({ selector, before, after, maxConcurrent, orderBy }: StageSpec) => ({
  selector: selectorText(selector),
  before: gatesText(before),
  after: gatesText(after),
  maxConcurrent: maxConcurrent === undefined ? '-' : String(maxConcurrent),
  orderBy: orderBy ?? '-',
});

const fieldsOf = ({ failure = {}, offline = {}, regression = {}, progressDeadline }: Spec) => ({
  'failure.action': failure.action ?? 'pause',
  'failure.maxFailed': String(failure.maxFailed ?? 0),
  'failure.minCurrent': String(failure.minCurrent ?? 1),
  progressDeadline: progressDeadline ?? '10m',
  'offline.after': offline.after ?? '10m',
  'offline.max': offline.max ?? '20%',
  'regression.window': regression.window ?? '2h',
});

const selectorText = (selector: StageSpec['selector']): string =>
  formatSelector(selector) || 'all that are left';
const gatesText = (gates: readonly GateSpec[] | undefined): string => gates?.map(gateText).join(', ') || '-';

function gateText({ soak, approval, webhook }: GateSpec): string {
  if (soak !== undefined) return `soak ${soak}`;
  if (webhook) {
    const { url, secret, timeout = '30s', retries = 3 } = webhook;
    return `webhook ${url} (secret ${secret}, timeout ${timeout}, ${retries} retries)`;
  }
  const { groups, count = 1, notAuthor = false, expires } = approval!;
  const more = [notAuthor ? 'notAuthor' : '', expires === undefined ? '' : `expires ${expires}`];
  return [`approval ${count === 1 ? '' : `${count} `}by ${groups.join(' or ')}`, ...more]
    .filter(Boolean)
    .join(' ');
}

const windowText = ({ selector, cron, duration, timezone }: WindowSpec): string =>
  `${cron} for ${duration} ${timezone}${selector === undefined ? '' : ` on ${selectorText(selector)}`}`;

function changes<T extends Readonly<Record<string, string>>>(was: T, is: T, about = ''): string[] {
  return Object.keys(is)
    .filter((key) => was[key] !== is[key])
    .map((key) => `${about}${key} ${was[key]} → ${is[key]}`);
}

/** Of lists whose order means nothing. */
export function listChanges(one: string, was: readonly string[], is: readonly string[]): string[] {
  return [
    ...is.filter((text) => !was.includes(text)).map((text) => `${one} is added: ${text}`),
    ...was.filter((text) => !is.includes(text)).map((text) => `${one} is removed: ${text}`),
  ];
}
