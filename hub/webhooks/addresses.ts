import { BlockList, isIP, isIPv4 } from 'node:net';
import { FlotillaError } from '#proto/faults.ts';

/**
 * Where a webhook may go. The URL stands in Git, the request comes from inside the hub's network: whoever may edit a strategy must not
 * reach by it what only the hub can reach. Everything is refused that is not a public unicast address, unless the hub's operator has
 * named it. (Ranges: IANA's special-purpose registries for IPv4 and IPv6, as of 2025.)
 */
export type Allowance = {
  /** Host names, lower case: they may resolve to anything. */
  readonly hosts: ReadonlySet<string>;
  readonly ranges: BlockList;
};

/** What `--webhook-allow` takes: addresses, CIDR ranges and host names. @throws FlotillaError config-invalid */
export function allowanceOf(entries: readonly string[]): Allowance {
  const hosts = new Set<string>();
  const ranges = new BlockList();
  for (const entry of entries) {
    const [address = '', bits, more] = entry.split('/');
    const family = isIP(address);
    const most = family === 6 ? 128 : 32;
    const prefix = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN;
    if (family !== 0 && more === undefined && prefix <= most)
      ranges.addSubnet(address, prefix, family === 6 ? 'ipv6' : 'ipv4');
    else if (family === 0 && isHostName(entry)) hosts.add(entry.toLowerCase());
    else
      throw new FlotillaError(
        'config-invalid',
        `${entry} is no address, CIDR range or host name to be allowed`,
      );
  }
  return { hosts, ranges };
}

const isHostName = (text: string) =>
  /^(?!.*\.\.)[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/i.test(text) && !/^[\d.]+$/.test(text);

/** The host of a URL as a resolver takes it: an IPv6 address without its brackets. */
export const hostOf = (url: URL): string => url.hostname.replace(/^\[|\]$/g, '');

/**
 * Judges where a URL leads, by every address that its host was resolved to: one that is not allowed refuses them all, since it may be the
 * next to be used. Plain http, and ports below 1024 other than that of https, are for what was named.
 * @throws FlotillaError webhook-refused; the message says what kind of address it is, never which
 */
export function judge(url: URL, addresses: readonly string[], { hosts, ranges }: Allowance): void {
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw refused(`it is neither http nor https`);
  if (url.username !== '' || url.password !== '') throw refused('its URL holds a user or a password');
  if (hosts.has(hostOf(url).toLowerCase())) return;
  const strangers = addresses.filter((address) => !isInRanges(address, ranges));
  if (strangers.length === 0) return;
  for (const address of strangers) {
    const what = whyRefused(address);
    if (what !== undefined) throw refused(`it leads to ${what}, and ${UNNAMED}`);
  }
  if (url.protocol === 'http:') throw refused(`it is http without TLS, and ${UNNAMED}`);
  const port = Number(url.port || 443);
  if (port < 1_024 && port !== 443) throw refused(`port ${port} is not one of https, and ${UNNAMED}`);
}

const UNNAMED = '--webhook-allow of the hub does not name it';
const refused = (why: string) => new FlotillaError('webhook-refused', why);

function isInRanges(address: string, ranges: BlockList): boolean {
  const family = isIP(address);
  return family !== 0 && ranges.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

type Special = readonly [range: string, what: string];
const SPECIAL_4: readonly Special[] = [
  ['0.0.0.0/8', 'an unspecified address'],
  ['10.0.0.0/8', 'a private address'],
  ['100.64.0.0/10', 'a private address'],
  ['127.0.0.0/8', 'a loopback address'],
  ['169.254.0.0/16', 'a link-local address'],
  ['172.16.0.0/12', 'a private address'],
  ['192.0.0.0/24', 'a reserved address'],
  ['192.0.2.0/24', 'a reserved address'],
  ['192.88.99.0/24', 'a reserved address'],
  ['192.168.0.0/16', 'a private address'],
  ['198.18.0.0/15', 'a reserved address'],
  ['198.51.100.0/24', 'a reserved address'],
  ['203.0.113.0/24', 'a reserved address'],
  ['224.0.0.0/4', 'a multicast address'],
  ['240.0.0.0/4', 'a reserved address'],
];
/** The first that holds counts; what is outside of 2000::/3 is reserved. */
const SPECIAL_6: readonly Special[] = [
  ['::/128', 'an unspecified address'],
  ['::1/128', 'a loopback address'],
  ['fe80::/10', 'a link-local address'],
  ['fc00::/7', 'a private address'],
  ['ff00::/8', 'a multicast address'],
  // Protocol assignments, Teredo among them; documentation; 6to4, which wraps an IPv4 address.
  ['2001::/23', 'a reserved address'],
  ['2001:db8::/32', 'a reserved address'],
  ['2002::/16', 'a reserved address'],
  ['3fff::/20', 'a reserved address'],
];
const [LIST_4, LIST_6] = [listOf(SPECIAL_4, 'ipv4'), listOf(SPECIAL_6, 'ipv6')];
const GLOBAL_6 = rangeOf('2000::/3', 'ipv6');

function listOf(ranges: readonly Special[], family: 'ipv4' | 'ipv6') {
  return ranges.map(([range, what]) => ({ list: rangeOf(range, family), what }));
}

function rangeOf(range: string, family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList();
  const [address, bits] = range.split('/');
  list.addSubnet(address!, Number(bits), family);
  return list;
}

/** What kind of address it is, where it is none of the public internet. */
export function whyRefused(address: string): string | undefined {
  if (isIPv4(address)) return LIST_4.find(({ list }) => list.check(address, 'ipv4'))?.what;
  const wrapped = wrappedIPv4(address);
  if (wrapped === undefined) return 'no address';
  if (wrapped !== null) return whyRefused(wrapped);
  const special = LIST_6.find(({ list }) => list.check(address, 'ipv6'));
  return special?.what ?? (GLOBAL_6.check(address, 'ipv6') ? undefined : 'a reserved address');
}

/**
 * The IPv4 address that an IPv6 address stands for: mapped (::ffff:0:0/96) or translated (64:ff9b::/96, RFC 6052); null where it stands for
 * itself, undefined where it is none at all (one with a zone, say).
 */
function wrappedIPv4(address: string): string | null | undefined {
  if (!URL.canParse(`http://[${address}]`)) return undefined;
  const [head = '', tail = ''] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const [first, last] = [head, tail].map((part) => (part === '' ? [] : part.split(':')));
  const zeros = Array.from({ length: 8 - first!.length - last!.length }, () => '0');
  const groups = [...first!, ...zeros, ...last!].map((group) => Number.parseInt(group, 16));
  const prefix = groups.slice(0, 6).join(' ');
  const isMapped = prefix === `0 0 0 0 0 ${0xffff}`;
  const isTranslated = prefix === `${0x64} ${0xff9b} 0 0 0 0`;
  if (!isMapped && !isTranslated) return null;
  return groups
    .slice(6)
    .flatMap((group) => [group >> 8, group & 0xff])
    .join('.');
}
