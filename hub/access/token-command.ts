import { formatSelector } from '#proto/selector.ts';
import type { TokenConfig } from '../config.ts';
import { type TokenRecord, Tokens } from './tokens.ts';
import { ADMIN_GROUP } from './viewer.ts';

/** What goes to stdout and stderr; `found` is false where there is no token of that name. */
export type Told = { readonly out: string; readonly talk: string; readonly found: boolean };

/** Carries out `token create|list|revoke`. @throws FlotillaError as `Tokens` */
export function carryOut(config: TokenConfig, now: number): Told {
  const tokens = new Tokens(config.dataDir);
  switch (config.verb) {
    case 'create': {
      const token = tokens.create(config.token, now);
      const { name, groups } = config.token;
      const power = groups.includes(ADMIN_GROUP)
        ? '; it may everything'
        : '; what they may, access/ in Git says';
      const talk = `made token ${name} of ${groups.join(', ')}${power}. It is shown this once:\n`;
      return { out: `${token}\n`, talk, found: true };
    }
    case 'list': {
      const list = tokens.list();
      return {
        out: list.length > 0 ? table(list, now) : '',
        talk: list.length > 0 ? '' : 'no tokens\n',
        found: true,
      };
    }
    case 'revoke': {
      const found = tokens.revoke(config.name);
      const talk = found ? `revoked token ${config.name}\n` : `there is no token ${config.name}\n`;
      return { out: '', talk, found };
    }
    default:
      config satisfies never;
      return { out: '', talk: '', found: false };
  }
}

function table(list: readonly TokenRecord[], now: number): string {
  const rows = [
    ['NAME', 'GROUPS', 'EMAILS', 'CREATED', 'EXPIRES', 'RESTRICTED TO'],
    ...list.map((one) => [
      one.name,
      one.groups.join(','),
      one.emails.join(',') || '-',
      day(one.createdAt),
      expiry(one.expiresAt, now),
      restrictionText(one),
    ]),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (row: string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('   ')
      .trimEnd();
  return `${rows.map(line).join('\n')}\n`;
}

const day = (at: number): string => new Date(at).toISOString().slice(0, 10);
const expiry = (at: number | undefined, now: number): string =>
  at === undefined ? 'never' : at <= now ? `${day(at)} (over)` : day(at);

function restrictionText({ only = {} }: TokenRecord): string {
  const { permissions, clusters, placements } = only;
  const parts = [
    permissions?.join(','),
    clusters && `clusters ${formatSelector(clusters)}`,
    placements && `placements ${formatSelector(placements)}`,
  ];
  return parts.filter(Boolean).join('; ') || '-';
}
