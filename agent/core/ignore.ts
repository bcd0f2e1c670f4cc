import type { IgnoreRule } from '#proto/documents/common.ts';
import { type FieldPath, pointerOf, resolve } from './fieldset.ts';

/** An ignore rule ready for use. `pieces` of a path pattern are globs, one per map key or list element. */
export type CompiledRule = {
  kind: RegExp | undefined;
  namespace: RegExp | undefined;
  name: RegExp | undefined;
  paths: readonly (readonly string[])[] | undefined;
  managers: readonly RegExp[] | undefined;
};

/** `*` is any text, `?` one letter; everything else is literal. */
export function glob(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's');
}

/** Rules whose `until` (a date, inclusive) has passed are left out. `now` in ms. */
export function compileRules(rules: readonly IgnoreRule[], now: number): CompiledRule[] {
  const today = new Date(now).toISOString().slice(0, 10);
  return rules
    .filter((rule) => rule.until === undefined || rule.until >= today)
    .map((rule) => ({
      kind: rule.kind === undefined ? undefined : glob(rule.kind),
      namespace: rule.namespace === undefined ? undefined : glob(rule.namespace),
      name: rule.name === undefined ? undefined : glob(rule.name),
      paths: rule.paths?.map(piecesOfPattern),
      managers: rule.managers?.map(glob),
    }));
}

/** Of `/spec/containers[name=web]/image`: `spec`, `containers`, `[name=web]`, `image`; `~1` and `~0` unescaped. */
function piecesOfPattern(pattern: string): string[] {
  return pattern
    .split('/')
    .slice(1)
    .flatMap((part) => {
      const match = /^([^[\]]*)((?:\[[^\]]*\])+)$/.exec(part);
      const [name, elements] = match ? [match[1]!, match[2]!.match(/\[[^\]]*\]/g)!] : [part, []];
      const plain = name.replaceAll('~1', '/').replaceAll('~0', '~');
      return plain === '' && elements.length > 0 ? elements : [plain, ...elements];
    });
}

/** What one drift must offer to be judged by rules. */
export type Judged = {
  kind: string;
  namespace: string;
  name: string;
  path: FieldPath;
  manager: string | null;
  /** Where an index in a pattern (`/containers/0/image`) is looked up. */
  object: unknown;
};

/** Whether any rule covers it: every part that a rule gives must match; a path covers what lies below it. */
export function isIgnored(rules: readonly CompiledRule[], judged: Judged): boolean {
  return rules.some(
    (rule) =>
      concerns(rule, judged) &&
      (rule.managers?.some((manager) => judged.manager !== null && manager.test(judged.manager)) ?? true) &&
      (rule.paths?.some((pieces) => coversPath(pieces, judged.path, judged.object)) ?? true),
  );
}

/** Whether a rule is about this object, whatever field of it. */
export const concerns = (
  rule: CompiledRule,
  { kind, namespace, name }: Pick<Judged, 'kind' | 'namespace' | 'name'>,
): boolean =>
  (rule.kind?.test(kind) ?? true) &&
  (rule.namespace?.test(namespace) ?? true) &&
  (rule.name?.test(name) ?? true);

function coversPath(pieces: readonly string[], path: FieldPath, object: unknown): boolean {
  if (pieces.length > path.length) return false;
  return pieces.every((piece, depth) => {
    const element = path[depth]!;
    if (element.startsWith('f:')) return glob(piece).test(element.slice(2));
    if (piece === '*' || piece === '[*]') return true;
    if (/^[0-9]+$/.test(piece)) {
      const step = resolve(path.slice(0, depth + 1), object)?.steps.at(-1);
      return step !== undefined && 'index' in step && String(step.index) === piece;
    }
    return piece === pointerOf([element]);
  });
}
