/** Pure decisions about external programs: where to look, in which order, and what counts as the right version. */
import { createHash } from 'node:crypto';
import type { GoRecipe, Pin, Platform, Release } from './pins.ts';

/** A way to obtain a program that is neither on PATH nor in the cache. */
export type Source =
  | { kind: 'release'; release: Release }
  | { kind: 'go'; recipe: GoRecipe; version: string }
  | { kind: 'debian'; package: string; oldest: string };

/** Node's names for platform and processor; undefined where no releases are pinned (Go may still build). */
export function platformOf(platform: string, arch: string): Platform | undefined {
  const name = `${platform}-${arch}`;
  const known: readonly string[] = [
    'linux-x64',
    'linux-arm64',
    'darwin-x64',
    'darwin-arm64',
  ] satisfies Platform[];
  return known.includes(name) ? (name as Platform) : undefined;
}

/** What is tried, best first. Debian's package comes last because it may be older than the pin. */
export function sourcesFor(pin: Pin, platform: Platform | undefined): Source[] {
  const release = platform && pin.releases[platform];
  const debian = platform?.startsWith('linux') ? pin.debian : undefined;
  return [
    ...(release ? [{ kind: 'release' as const, release }] : []),
    { kind: 'go' as const, recipe: pin.go, version: pin.version },
    ...(debian ? [{ kind: 'debian' as const, ...debian }] : []),
  ];
}

/**
 * Names what a cached program was made from: it changes with the pin, the platform and the locked modules
 * (`moduleFiles`: contents of go.mod and go.sum), so that an edited pin is never served by an older program.
 */
export function cacheKey(pin: Pin, platform: string, moduleFiles: readonly string[]): string {
  const hash = createHash('sha256');
  // Only what decides the program: mending a purpose or a build time must not build anything again.
  const { version, releases, debian, go } = pin;
  const content = JSON.stringify([version, releases, debian, go.package, go.module, go.variables]);
  for (const part of [platform, content, ...moduleFiles]) hash.update(`${part.length}:${part}`);
  return hash.digest('hex').slice(0, 16);
}

/** The first dotted version in a program's answer, without the `v`; undefined when there is none. */
export function parseVersion(output: string): string | undefined {
  return /\d+\.\d+\.\d+/.exec(output)?.[0];
}

/** Compares dotted numbers: negative when `a` is older. */
export function compareVersions(a: string, b: string): number {
  const left = a.split('.').map(Number);
  const right = b.split('.').map(Number);
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/**
 * Whether this Go can build a module that asks for `needed` (major.minor). Since 1.21 an older one fetches the
 * newer toolchain by itself unless GOTOOLCHAIN says local.
 */
export function goSuffices(goVersion: string, toolchain: string, needed: string): boolean {
  const found = /^go(\d+\.\d+(?:\.\d+)?)/.exec(goVersion)?.[1];
  if (found === undefined) return true; // a development build: let the compiler decide
  if (compareVersions(found, needed) >= 0) return true;
  return (
    compareVersions(found, '1.21') >= 0 && !/^(local|path)$/.test(toolchain) && !toolchain.startsWith('go')
  );
}
