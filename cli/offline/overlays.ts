import type { GitObjects } from '#git/objects.ts';
import { entryAt } from '#git/tree.ts';
import type { Placement } from '#proto/documents/placement.ts';
import { FlotillaError } from '#proto/faults.ts';
import { checkEncrypted, checkFluxForms, checkImageTags, variableRoot } from '#proto/fleet-checks/content.ts';
import { missingOverlays, type OverlayUse } from '#proto/fleet-checks/overlays.ts';
import type { Problem } from '#proto/problems.ts';
import { declaredNames } from '#proto/values.ts';
import { type Closure, closureNode, faultsOf, type NodeCache } from '#render/closure.ts';

type Told = (problem: Problem) => void;

/**
 * What can be known of overlays without rendering them: directories that are missing, kustomizations that cannot be followed, and
 * what no file of an overlay may hold. Every directory is looked at once, every file once for each placement.
 */
export async function checkOverlays(
  objects: GitObjects,
  tree: string,
  uses: readonly OverlayUse[],
  cache: NodeCache,
  signal: AbortSignal,
): Promise<Problem[]> {
  const problems = new Map<string, Problem>();
  const tell: Told = (problem) => {
    const { code, message, source } = problem;
    const key = [code, source.file, source.line, source.column, message].join(' ');
    if (!problems.has(key)) problems.set(key, problem);
  };
  const looked = new Map<string, Closure | undefined>();
  const seen = new Set<string>();
  for (const use of uses) {
    if (!looked.has(use.path))
      looked.set(use.path, await closureAt(objects, tree, use, uses, cache, tell, signal));
    const closure = looked.get(use.path);
    if (!closure) continue;
    checkKind(closure, use, tell);
    await checkFiles(objects, closure, use, seen, tell, signal);
  }
  return [...problems.values()];
}

/** Undefined, and told, where the overlay cannot be followed. */
async function closureAt(
  objects: GitObjects,
  tree: string,
  use: OverlayUse,
  uses: readonly OverlayUse[],
  cache: NodeCache,
  tell: Told,
  signal: AbortSignal,
): Promise<Closure | undefined> {
  try {
    return await closureNode(objects, tree, use.path, cache, signal);
  } catch (error) {
    if (!isContentFault(error)) throw error;
    if (error.code !== 'overlay-missing' || error.source?.file !== use.path) {
      for (const fault of faultsOf(error))
        tell(problemOf(fault, use.placement.document, fault.source?.file === use.path ? whereUsed(use) : {}));
      return undefined;
    }
    const beside = await namesBeside(objects, tree, use.path, signal);
    const directories = { exists: () => false, below: () => beside };
    for (const problem of missingOverlays(
      uses.filter(({ path }) => path === use.path),
      directories,
    ))
      tell(problem);
    return undefined;
  }
}

/** Names of the directories that stand where the last part of a path is looked for. */
async function namesBeside(
  objects: GitObjects,
  tree: string,
  path: string,
  signal: AbortSignal,
): Promise<string[]> {
  const slash = path.lastIndexOf('/');
  const parent = await entryAt(objects, tree, slash < 0 ? '' : path.slice(0, slash), signal);
  if (parent?.mode !== 'tree') return [];
  const entries = await objects.readTree(parent.oid, signal);
  return entries.filter(({ mode }) => mode === 'tree').map(({ name }) => name);
}

function checkKind({ kind, path }: Closure, { placement, at }: OverlayUse, tell: Told): void {
  const expected = at.includes('components') ? 'Component' : 'Kustomization';
  if (kind === expected) return;
  tell({
    code: 'closure-invalid',
    severity: 'error',
    message: `${placement.file}: ${path} is of kind ${kind}, but kind ${expected} is expected there`,
    source: placement.locate(at),
    text: placement.quote(at),
    placement: placement.document.metadata.name,
  });
}

async function checkFiles(
  objects: GitObjects,
  { entries, files }: Closure,
  { path, placement, at }: OverlayUse,
  seen: Set<string>,
  tell: Told,
  signal: AbortSignal,
): Promise<void> {
  const { document } = placement;
  const { name } = document.metadata;
  const written = at.includes('components') ? undefined : document.spec.path;
  const ownPart = written === undefined ? undefined : variableRoot(written, path);
  const fresh = files.filter((file) => !seen.has(`${name} ${file}`) && entries.get(file)!.mode !== 'symlink');
  await objects.prefetch(
    fresh.map((file) => entries.get(file)!.oid),
    signal,
  );
  for (const file of fresh) {
    seen.add(`${name} ${file}`);
    const text = Buffer.from(await objects.readBlob(entries.get(file)!.oid, signal)).toString('utf8');
    const found = [...checkFluxForms(file, text, declaredNames(document)), ...checkEncrypted(file, text)];
    const ofOnePart =
      ownPart !== undefined && file.startsWith(`${ownPart}/`) && /\.ya?ml$|\/Kustomization$/.test(file);
    if (ofOnePart && /image|newTag|digest/.test(text)) found.push(...checkImageTags(file, text));
    for (const problem of found) tell({ ...problem, placement: name });
  }
}

/** What the content of the repository is to blame for; anything else is no property of it. */
export function isContentFault(error: unknown): error is FlotillaError {
  return (
    error instanceof FlotillaError &&
    !/^(git-|render-tool|internal)/.test(error.code) &&
    error.code !== 'revision-unknown'
  );
}

/** What is wrong with a directory as a whole stands where the placement names it. */
function whereUsed({ placement, at }: OverlayUse): Partial<Problem> {
  return { source: placement.locate(at), text: placement.quote(at) };
}

/** A fault of an overlay as a problem of a placement. */
function problemOf(
  { code, message, source }: FlotillaError,
  placement: Placement,
  more: Partial<Problem> = {},
): Problem {
  const file = source?.file ?? '';
  return {
    code,
    severity: 'error',
    message,
    source: source ?? { file },
    placement: placement.metadata.name,
    ...more,
  };
}
