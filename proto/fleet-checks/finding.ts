import { FLEET_NAME, type Kind } from '../documents/kinds.ts';
import type { Part } from '../documents/positions.ts';
import type { Sourced } from '../documents/read.ts';
import type { FaultCode } from '../faults.ts';
import type { Problem } from '../problems.ts';

/** A document that has a share in a problem, and where in it. One that is gone has no place any more. */
export type Party = {
  kind: Kind;
  name: string;
  file: string;
  place?: { of: Pick<Sourced<unknown>, 'locate' | 'quote'>; path: readonly PropertyKey[]; part?: Part };
};

/**
 * Something that is wrong between documents, each of which can be read. The first party is where it stands by itself; whom it
 * is charged to depends on who changed.
 */
export type Finding = {
  code: FaultCode;
  severity: 'error' | 'warning';
  /** Without the file: that of the first party is put before it. */
  message: string;
  suggestion?: string;
  parties: readonly [Party, ...Party[]];
};

/** A party that stands at a path of a document. */
export function party(
  kind: Kind,
  of: Sourced<{ metadata: { name: string } }>,
  path: readonly PropertyKey[],
  part?: Part,
): Party {
  const name = kind === 'Fleet' ? FLEET_NAME : of.document.metadata.name;
  return { kind, name, file: of.file, place: { of, path, ...(part && { part }) } };
}

/**
 * Whom a cross-document problem is charged to: where it stands, if that document changed or nothing is known to have changed;
 * else the first other party that did. So a new vocabulary that ten thousand old entries do not follow is one invalid Fleet and
 * not ten thousand invalid clusters.
 */
function chargedTo(
  { parties }: Pick<Finding, 'parties'>,
  changed: (kind: Kind, name: string) => boolean,
): Party {
  return parties.find(({ kind, name }) => changed(kind, name)) ?? parties[0];
}

/** Problems of findings, each with whom it is charged to. What is charged to another document is folded by place and code. */
export function settle(
  findings: Iterable<Finding>,
  changed: (kind: Kind, name: string) => boolean,
): { problem: Problem; charged: Party }[] {
  const settled: { problem: Problem; charged: Party; more: number }[] = [];
  const folded = new Map<string, (typeof settled)[number]>();
  for (const finding of findings) {
    const charged = chargedTo(finding, changed);
    const [first] = finding.parties;
    if (charged === first) {
      settled.push({ problem: problemOf(finding, charged), charged, more: 0 });
      continue;
    }
    const key = [charged.kind, charged.name, charged.place?.path.join('.'), finding.code].join(' ');
    const known = folded.get(key);
    if (known) known.more++;
    else {
      const one = { problem: problemOf(finding, charged), charged, more: 0 };
      folded.set(key, one);
      settled.push(one);
    }
  }
  return settled.map(({ problem, charged, more }) => ({
    charged,
    problem: more === 0 ? problem : { ...problem, message: `${problem.message} (and ${more} more like it)` },
  }));
}

function problemOf({ code, severity, message, suggestion, parties }: Finding, charged: Party): Problem {
  const [first] = parties;
  const { of, path, part } = (charged.place ?? first.place)!;
  const text = of.quote(path, part);
  const elsewhere = charged === first ? '' : `${charged.file} changed, but `;
  return {
    code,
    severity,
    message: `${elsewhere}${first.file}: ${message}`,
    source: of.locate(path, part),
    ...(text !== '' && { text }),
    ...(suggestion !== undefined && { suggestion }),
    ...(charged.kind === 'Cluster' && { cluster: charged.name }),
    ...(charged.kind === 'Placement' && { placement: charged.name }),
  };
}

/** A list of names for a message: the first few, and how many more there are. */
export function someOf(names: readonly string[], most = 3): string {
  const more = names.length - most;
  return more > 0 ? `${names.slice(0, most).join(', ')} and ${more} more` : names.join(', ');
}
