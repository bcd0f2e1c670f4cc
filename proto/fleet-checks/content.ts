import { isMap, isScalar, isSeq, LineCounter, parseAllDocuments, type Scalar, visit } from 'yaml';
import type { FaultCode } from '../faults.ts';
import type { Problem } from '../problems.ts';

/** Checks over the text of single files of overlays, for who has a closure at hand. Pure; broken YAML is told elsewhere. */

const FLUX_FORM = /(\$?)\$\{(#?)([A-Za-z_][A-Za-z0-9_]*)([:=^,#%/][^}\n]*)?\}/g;

/**
 * Flux's forms (`${name:=default}`, `${name/a/b}`, `${#name}` …) of names that a placement declares: an error, because a reader
 * who knows Flux expects them to work. `$${…}`, undeclared names and comment lines of YAML files are left alone.
 */
export function checkFluxForms(file: string, text: string, declared: Iterable<string>): Problem[] {
  const names = new Set(declared);
  const problems: Problem[] = [];
  if (names.size === 0 || !text.includes('${')) return problems;
  const comments = /\.ya?ml$/.test(file);
  for (const found of text.matchAll(FLUX_FORM)) {
    const [form, dollar, length, name, operation] = found;
    if (dollar !== '' || !names.has(name!) || (length === '' && operation === undefined)) continue;
    if (comments && /^\s*#/.test(text.slice(text.lastIndexOf('\n', found.index) + 1))) continue;
    const fallback = /^:?[=-](.*)$/.exec(operation ?? '')?.[1];
    const fix =
      fallback === undefined
        ? `write \${${name}} and prepare the text in the value, or $\${…} to keep it as it is`
        : `write \${${name}} and put ${fallback || 'the default'} under values.optional of the placement`;
    problems.push(
      problemAt('values-unexpanded', 'error', file, text, found.index, form, {
        message: `${form} is a form of Flux, and ${name} is declared; ${fix}`,
        suggestion: `\${${name}}`,
      }),
    );
  }
  return problems;
}

/** A file that SOPS encrypted: refused statically, because nothing here decrypts. */
export function checkEncrypted(file: string, text: string): Problem[] {
  const found = /^(?:sops:|\s{0,8}"sops":(?=\s*\{))/m.exec(text);
  if (!found || !/\b(?:mac|lastmodified|sops_version)\b|\bENC\[/.test(text)) return [];
  const at = found.index + found[0].search(/\S/);
  return [
    problemAt('document-encrypted', 'error', file, text, at, found[0].trim(), {
      message:
        'is encrypted with SOPS, which nothing here decrypts; use SealedSecret or ExternalSecret objects',
    }),
  ];
}

/**
 * Image tags and digests set in a file: by `images` of a kustomization, or in a container. Meant for files under the part of a
 * path that `{…}` decides (`variableRoot`): there a tag belongs to one environment and does not travel through the stages.
 */
export function checkImageTags(file: string, text: string): Problem[] {
  const lines = new LineCounter();
  const found: { scalar: Scalar; what: string }[] = [];
  const kustomization = /(^|\/)(kustomization\.ya?ml|Kustomization)$/.test(file);
  for (const document of parseAllDocuments(text, {
    lineCounter: lines,
    prettyErrors: false,
    logLevel: 'silent',
  })) {
    if (!('contents' in document) || document.errors.length > 0) continue;
    if (kustomization) {
      const images = document.get('images');
      for (const image of isSeq(images) ? images.items : [])
        for (const field of isMap(image) ? ['newTag', 'digest'] : []) {
          const scalar = isMap(image) ? image.get(field, true) : undefined;
          if (isScalar(scalar)) found.push({ scalar, what: `images: ${field}` });
        }
      continue;
    }
    visit(document, {
      Pair(_, { key, value }) {
        if (!isScalar(key) || !/^(initC|ephemeralC|c)ontainers$/.test(String(key.value)) || !isSeq(value))
          return;
        for (const container of value.items) {
          const image = isMap(container) ? container.get('image', true) : undefined;
          if (isScalar(image) && /[:@][^/]*$/.test(String(image.value)))
            found.push({ scalar: image, what: 'image' });
        }
      },
    });
  }
  return found.map(({ scalar, what }) => {
    const [start, end] = scalar.range ?? [0, 0];
    return problemAt('image-tag-in-overlay', 'warning', file, text, start, text.slice(start, end), {
      message: `${what} ${String(scalar.value)} is set for one part of the fleet; in the base it would travel through the stages`,
    });
  });
}

/**
 * The directory that the first `{…}` of a placement's path decides: `apps/x/overlays/prod` of `apps/x/overlays/{env}`.
 * Undefined for a path without variables.
 */
export function variableRoot(path: string, resolved: string): string | undefined {
  const parts = path.split('/').filter((part) => part !== '.' && part !== '');
  const first = parts.findIndex((part) => part.includes('{'));
  return first < 0
    ? undefined
    : resolved
        .split('/')
        .slice(0, first + 1)
        .join('/');
}

function problemAt(
  code: FaultCode,
  severity: Problem['severity'],
  file: string,
  text: string,
  offset: number,
  token: string,
  { message, suggestion }: { message: string; suggestion?: string },
): Problem {
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  const column = offset - (before.lastIndexOf('\n') + 1) + 1;
  return {
    code,
    severity,
    message: `${file}:${line}:${column}: ${message}`,
    source: { file, line, column },
    text: token.split('\n')[0]!.slice(0, 80),
    ...(suggestion !== undefined && { suggestion }),
  };
}
