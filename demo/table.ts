import { stripVTControlCharacters, styleText } from 'node:util';
import { ask } from '#test/bed/graphql.ts';

/** The fleet as the hub's API tells it, one row per cluster. */
export type FleetRow = {
  name: string;
  labels: { key: string; value: string }[];
  status: {
    headline: string;
    connectivity: string;
    sync: string;
    drift: string;
    health: string;
    reason: string | null;
  };
  assignments: {
    nodes: {
      placement: { name: string };
      applied: { revision: { shortOid: string } } | null;
      status: { headline: string };
    }[];
  };
};

const QUERY = `query Table { clusters(first: 100) { nodes {
  name
  labels(keys: ["env", "region"]) { key value }
  status { headline connectivity sync drift health reason }
  assignments(first: 20) { nodes { placement { name } applied { revision { shortOid } } status { headline } } }
} } }`;

export async function readFleet(url: string, signal: AbortSignal): Promise<FleetRow[]> {
  const { clusters } = await ask<{ clusters: { nodes: FleetRow[] } }>(url, QUERY, {}, signal);
  return clusters.nodes;
}

const GLYPHS: Record<string, [glyph: string, style: Parameters<typeof styleText>[0]]> = {
  OK: ['●', 'green'],
  PENDING: ['○', 'gray'],
  APPLYING: ['◐', 'cyan'],
  DRIFTED: ['≠', 'yellow'],
  FAILED: ['✖', 'red'],
  OFFLINE: ['╱', 'gray'],
  SUSPENDED: ['‖', 'gray'],
  UNKNOWN: ['?', 'gray'],
};

/** The table as lines; glyph and words, colour only on top. */
export function formatFleet(rows: readonly FleetRow[], colour: boolean): string[] {
  const paint = (style: Parameters<typeof styleText>[0], text: string) =>
    colour ? styleText(style, text, { validateStream: false }) : text;
  const badge = (headline: string) => {
    const [glyph, style] = GLYPHS[headline] ?? GLYPHS.UNKNOWN!;
    return paint(style, `${glyph} ${headline}`);
  };
  const head = ['CLUSTER', 'ENV', 'REGION', 'STATUS', 'SYNC', 'DRIFT', 'HEALTH', 'PLACEMENTS'];
  const body = rows.map((row) => {
    const label = (key: string) => row.labels.find((one) => one.key === key)?.value ?? '';
    const placements = row.assignments.nodes.map(({ placement, applied, status }) => {
      const [glyph, style] = GLYPHS[status.headline] ?? GLYPHS.UNKNOWN!;
      return `${paint(style, glyph)} ${placement.name} ${applied?.revision.shortOid ?? '–'}`;
    });
    const { headline, sync, drift, health } = row.status;
    return [
      row.name,
      label('env'),
      label('region'),
      badge(headline),
      sync,
      drift,
      health,
      placements.join('  '),
    ];
  });
  const width = (text: string) => stripVTControlCharacters(text).length;
  const widths = head.map((title, column) =>
    Math.max(width(title), ...body.map((cells) => width(cells[column]!))),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell + ' '.repeat(widths[column]! - width(cell)))
      .join('  ')
      .trimEnd();
  return [paint('bold', line(head)), ...body.map(line)];
}
