import type { Assignment } from '#proto/assignment.ts';
import { FlotillaError } from '#proto/faults.ts';
import { clip } from '#proto/limits.ts';
import type { Json } from './yaml/read.ts';

type Values = Assignment['values'];
type Path = readonly (string | number)[];

/** `${name}`, `$${name}`, and with an operator in place of the brace whatever stands up to the next one. */
const PLACEHOLDER = /(\$?)\$\{(#?)([A-Za-z_][A-Za-z0-9_]*)(?:\}|([:=^,#%/])([^}]*)\}?)/g;

/**
 * Puts declared values into rendered objects: in text scalars only, never in keys.
 *
 * - `${name}` inside a text becomes the value's text; a scalar that is exactly `${name}` becomes the value with its type.
 * - `$${name}` stays `${name}`. Every `${…}` whose name is not declared stays as it is, with any `$` before it.
 * - What was put in is not looked at again.
 * - Where Kubernetes accepts nothing but text (see `takesTextOnly`) the value is put in as text, whatever its type: there
 *   `"${replicas}"` could never mean a number, and YAML loses the quotes that said so before (docs/adr/0002).
 *
 * `typed` is for values of charts, which are no objects: there a scalar that is exactly `${name}` has its type everywhere.
 *
 * Values are plain data: the given objects are left as they are, unchanged parts are shared with the result.
 *
 * @throws FlotillaError values-unexpanded for Flux's forms (`${name:=default}`, `${name/a/b}`, `${#name}` …) of a declared
 *   name, with object and JSON pointer
 */
export function substituteValues(
  objects: readonly Json[],
  values: Values,
  overlay: string,
  options: { typed?: boolean } = {},
): Json[] {
  if (Object.keys(values).length === 0) return [...objects];
  return objects.map((object) => {
    const kind = isMap(object) && typeof object.kind === 'string' ? object.kind : '';
    const fail = (form: string, name: string, path: Path, fix: string) => {
      const name_ =
        isMap(object) && isMap(object.metadata ?? null) ? (object.metadata as JsonMap).name : undefined;
      const subject = [kind || 'an object', typeof name_ === 'string' ? name_ : undefined]
        .filter(Boolean)
        .join('/');
      const message = `${overlay}: ${subject} ${pointer(path)}: ${clip(form, 80)} is a form of Flux, and ${name} is declared; ${fix}`;
      return new FlotillaError('values-unexpanded', message, { source: { file: overlay } });
    };
    const walk = (value: Json, path: Path): Json => {
      if (typeof value === 'string') return value.includes('${') ? inText(value, path) : value;
      if (Array.isArray(value))
        return same(
          value,
          value.map((item, index) => walk(item, [...path, index])),
        );
      if (!isMap(value)) return value;
      let changed = false;
      const entries = Object.entries(value).map(([key, item]) => {
        const result = walk(item, [...path, key]);
        changed ||= result !== item;
        return [key, result] as const;
      });
      return changed ? Object.fromEntries(entries) : value;
    };
    const inText = (text: string, path: Path): Json => {
      const exact = /^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$/.exec(text)?.[1];
      if (exact !== undefined && Object.hasOwn(values, exact)) {
        const { value } = values[exact]!;
        return !options.typed && takesTextOnly(kind, path) ? String(value) : value;
      }
      return text.replace(
        PLACEHOLDER,
        (whole, dollar: string, length: string, name: string, operator, rest) => {
          if (!Object.hasOwn(values, name)) return whole;
          if (dollar !== '') return whole.slice(1);
          if (length === '' && operator === undefined) return String(values[name]!.value);
          throw fail(whole, name, path, fixFor(name, operator, rest));
        },
      );
    };
    return walk(object, []);
  });
}

function fixFor(name: string, operator: string | undefined, rest: string | undefined): string {
  const fallback = /^[:]?[=-](.*)$/s.exec(`${operator ?? ''}${rest ?? ''}`)?.[1];
  return fallback === undefined
    ? `write \${${name}} and prepare the text in the value, or $\${…} to keep it as it is`
    : `write \${${name}} and put ${clip(fallback, 60) || 'the default'} under values.optional of the placement`;
}

/**
 * Places that hold text in every Kubernetes object: names, labels, annotations, selectors by label, data of ConfigMap and
 * Secret, and command, arguments and environment of containers.
 */
function takesTextOnly(kind: string, path: Path): boolean {
  const [last, parent, third, fourth] = [path.at(-1), path.at(-2), path.at(-3), path.at(-4)];
  if (parent === 'metadata') return last === 'name' || last === 'namespace';
  if (third === 'metadata' && (parent === 'labels' || parent === 'annotations')) return true;
  if (parent === 'matchLabels' || parent === 'nodeSelector') return true;
  if (third === 'env') return last === 'value' || last === 'name';
  if (parent === 'args' || parent === 'command') return CONTAINERS.has(fourth);
  if (kind === 'Service' && path.length === 3) return third === 'spec' && parent === 'selector';
  return path.length === 2 && (TEXT_MAPS[kind]?.includes(String(parent)) ?? false);
}

const CONTAINERS = new Set<string | number | undefined>([
  'containers',
  'initContainers',
  'ephemeralContainers',
]);
const TEXT_MAPS: Readonly<Record<string, readonly string[]>> = {
  ConfigMap: ['data', 'binaryData'],
  Secret: ['data', 'stringData'],
  StorageClass: ['parameters'],
};

function same(before: Json[], after: Json[]): Json[] {
  return after.some((item, index) => item !== before[index]) ? after : before;
}

function pointer(path: Path): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

type JsonMap = { [key: string]: Json };

function isMap(value: Json): value is JsonMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
