import type { Assignment } from '#proto/assignment.ts';
import { valueText } from '../../output/words.ts';
import type { Looked, Overlay } from './book.ts';

/** An assignment at one side: as resolved, with its overlay and components, or why it cannot be had there. */
export type Content =
  | { readonly assignment: Assignment; readonly overlay: Overlay; readonly components: readonly Overlay[] }
  | { readonly code: string; readonly message: string };

export async function contentOf(
  assignment: Assignment,
  look: (path: string) => Promise<Looked>,
): Promise<Content> {
  const found: Overlay[] = [];
  for (const [index, path] of [assignment.path, ...assignment.components].entries()) {
    const looked = await look(path);
    if ('fault' in looked) return { code: looked.fault.code, message: looked.fault.message };
    const expected = index === 0 ? 'Kustomization' : 'Component';
    if (looked.overlay.kind !== expected) {
      const message = `${path} is of kind ${looked.overlay.kind}, but kind ${expected} is expected there`;
      return { code: 'closure-invalid', message };
    }
    found.push(looked.overlay);
  }
  const [overlay, ...components] = found;
  return { assignment, overlay: overlay!, components };
}

type Resolved = Extract<Content, { overlay: Overlay }>;

/**
 * What differs, in words, of what `assignmentDigest` is over: nothing exactly where the digests are equal. `files` tells what changed
 * of what the overlay reads.
 */
export function differences(before: Resolved, after: Resolved, files: string | undefined): string[] {
  const [was, is] = [before.assignment, after.assignment];
  const why: string[] = [];
  const moved = was.path === is.path ? undefined : `path ${was.path} → ${is.path}`;
  const [one, other] = [nodesOf(before), nodesOf(after)];
  if (one !== other) why.push(moved ?? (files === undefined ? 'content' : `content: ${files}`));
  for (const key of ['namespace', 'createNamespace', 'prune'] as const)
    if (was[key] !== is[key]) why.push(`${key} ${was[key] ?? '-'} → ${is[key] ?? '-'}`);
  for (const name of [...new Set([...Object.keys(was.values), ...Object.keys(is.values)])].sort()) {
    const [old, now] = [was.values[name]?.value, is.values[name]?.value];
    if (old !== now) why.push(`value ${name} ${valueText(old)} → ${valueText(now)}`);
  }
  if (before.overlay.usesCharts || after.overlay.usesCharts) {
    if (was.kubeVersion !== is.kubeVersion)
      why.push(`kubeVersion ${was.kubeVersion ?? '-'} → ${is.kubeVersion ?? '-'}`);
    if (JSON.stringify(was.apiVersions) !== JSON.stringify(is.apiVersions)) why.push('apiVersions');
  }
  return why;
}

function nodesOf({ overlay, components, assignment }: Resolved): string {
  const all = [overlay, ...components];
  const places = overlay.showsPaths
    ? [assignment.path, ...assignment.components, ...all.map(({ shape }) => shape.files)]
    : [];
  return JSON.stringify([all.map(({ node }) => node), places]);
}
