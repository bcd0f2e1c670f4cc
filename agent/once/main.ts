import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { DirectoryObjects, placeOf } from '#git/local/directory.ts';
import { pause } from '#process/wait.ts';
import { FlotillaError, toFault } from '#proto/faults.ts';
import { renderAssignment } from '#render/render.ts';
import { enginePolicy } from '../core/engine-policy.ts';
import { OWNER_LABEL } from '../core/managed-fields.ts';
import { KubeClient } from '../kube/client.ts';
import { connect } from '../kube/connection.ts';
import { KubeError } from '../kube/errors.ts';
import { openRenderers, type Programs } from '../renderers.ts';
import { OwnObjects } from '../state/api.ts';
import { sourcesOf } from '../state/bundle.ts';
import { Lease, LeaseHeld, leaseIdentity } from '../state/lease.ts';
import { refuseOutside } from '../tenancy.ts';
import { type Resolved, resolveInputs } from './documents.ts';
import { type OnceOptions, readOnce } from './options.ts';
import { type Pass, runPass } from './pass.ts';
import { type OnceReport, reportOf, textOf } from './report.ts';

/** converged, not converged, could not run, wrong command line. */
const EXIT = { yes: 0, no: 1, error: 2, usage: 64 } as const;
const LEASE_MS = 15_000;
/** Patience with the Lease at the end. */
const FAREWELL_MS = 2_000;

/** Where it speaks: the report goes to `out`, everything else to `talk`. */
export type OnceIo = { env: NodeJS.ProcessEnv; out(text: string): void; talk(text: string): void };

/** `agent once`: one pass of the engine over a directory. Returns the exit code; never throws for what files and clusters say. */
export async function once(argv: readonly string[], io: OnceIo, signal: AbortSignal): Promise<number> {
  try {
    const options = readOnce(argv, io.env);
    const { report, dryRun } = await pass(options, io, signal);
    const json = options.output === 'json';
    io.out(json ? `${JSON.stringify(report, undefined, 2)}\n` : textOf(report, dryRun));
    return report.ok ? EXIT.yes : EXIT.no;
  } catch (error) {
    if (signal.aborted) {
      io.talk('flotilla agent once: interrupted; the next pass goes on from what was written\n');
      return EXIT.error;
    }
    const { code, message } = toFault(error);
    const detail = code === 'internal' ? ((error as Error).stack ?? message) : message;
    io.talk(`flotilla agent once: ${detail}\n`);
    return code === 'usage' ? EXIT.usage : EXIT.error;
  }
}

type Outcome = { report: OnceReport; dryRun: boolean };

async function pass(options: OnceOptions, io: OnceIo, signal: AbortSignal): Promise<Outcome> {
  const { namespace, waitMs } = options;
  const place = await placeOf(options.path);
  const resolved = await resolveInputs({ place, placement: options.placement, cluster: options.cluster });
  const { placement } = resolved.assignment;
  const { stopped } = resolved;
  const dryRun = options.dryRun || stopped !== undefined;
  if (stopped !== undefined && !options.dryRun)
    io.talk(`flotilla agent once: ${stopped}: nothing is written, as with --dry-run\n`);
  const { kustomize, helm } = options;
  const { objects, sources } = await render(
    resolved,
    place.root,
    { kustomize, helm, path: io.env.PATH ?? '' },
    signal,
  );
  const kube = new KubeClient(
    connect({ file: options.kubeconfig, context: options.context }),
    {},
    options.namespaces,
  );
  try {
    await refuseOutside(kube, placement, objects, resolved.policy?.allow, signal);
    const policy = policyFor(resolved, { mode: options.mode, dryRun });
    const run = (during: AbortSignal) =>
      runPass(kube, namespace, { placement, objects, sources, policy, waitMs }, during);
    const passed = await (dryRun ? run(signal) : asOnlyWriter(kube, namespace, run, signal));
    const report = reportOf(passed, { placement, dryRun, corrects: policy.mode === 'correct' });
    return { report, dryRun };
  } catch (error) {
    if (!(error instanceof FlotillaError) || error.code !== 'object-conflict')
      throw explained(error, kube.connection.server);
    const nothing = { actions: [], drift: [], health: [], inventory: [] };
    const report = { placement, ...nothing, ok: false, error: error.message + hintFor(error.message) };
    return { report, dryRun };
  } finally {
    await kube.close();
  }
}

/** Which API server it is that nobody could speak to; nothing else in a pass names it. */
function explained(error: unknown, server: string): unknown {
  if (!(error instanceof KubeError) || (error.status !== 0 && error.status !== 401)) return error;
  const { code, message, status } = error;
  if (status === 401)
    return new FlotillaError(
      code,
      `API server ${server} refuses the credentials of the kubeconfig: ${message}`,
    );
  const hint = /certificate|altname/i.test(message)
    ? '; it is not the one that certificate-authority-data of the kubeconfig vouches for'
    : '';
  return new FlotillaError(code, `API server ${server} cannot be reached: ${message}${hint}`, {
    cause: error,
  });
}

/** A pass knows of no other placement, whether it is still there. */
const hintFor = (conflict: string): string =>
  conflict.includes(' is claimed by placement ')
    ? `; where a placement that is named is gone, take its label ${OWNER_LABEL} off the object`
    : '';

async function render(
  { fleet, assignment }: Resolved,
  root: string,
  programs: Pick<Programs, 'kustomize' | 'helm' | 'path'>,
  signal: AbortSignal,
): Promise<Pick<Pass, 'objects' | 'sources'>> {
  const scratch = await mkdtemp(join(tmpdir(), 'flotilla-once-'));
  try {
    const objects = new DirectoryObjects(root);
    const renderer = openRenderers({ ...programs, dataDir: scratch })(fleet);
    const request = { objects, rootTree: objects.rootTree, assignment, renderer };
    const rendered = await renderAssignment(request, signal);
    return { objects: rendered.objects, sources: sourcesOf(rendered) };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function policyFor(
  { assignment, policy, approvals }: Resolved,
  { mode, dryRun }: Pick<OnceOptions, 'mode' | 'dryRun'>,
) {
  const made = enginePolicy({ policy, prune: assignment.prune, approvals, hold: false, observe: dryRun });
  return mode ? { ...made, mode } : made;
}

/**
 * An agent that runs in this cluster, or another pass, is not written beside: the Lease is held meanwhile.
 * @throws FlotillaError lease-held
 */
async function asOnlyWriter<T>(
  kube: KubeClient,
  namespace: string,
  work: (signal: AbortSignal) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const log = pino({ level: 'silent' });
  const identity = leaseIdentity(`once-${randomBytes(6).toString('hex')}`);
  const lease = new Lease(new OwnObjects(kube, namespace), { identity, leaseMs: LEASE_MS, log });
  await acquire(lease, signal);
  const end = new AbortController();
  const during = AbortSignal.any([signal, end.signal]);
  const keeping = lease.keep(during).catch((error: unknown) => end.abort(error));
  try {
    return await work(during);
  } catch (error) {
    throw signal.aborted || !end.signal.aborted ? error : end.signal.reason;
  } finally {
    end.abort();
    await keeping;
    await lease.release(AbortSignal.timeout(FAREWELL_MS));
  }
}

/** A pass that was killed leaves a Lease that ends by itself. */
async function acquire(lease: Lease, signal: AbortSignal): Promise<void> {
  const until = Date.now() + 2 * LEASE_MS;
  for (;;) {
    try {
      return await lease.acquire(signal);
    } catch (error) {
      if (!(error instanceof LeaseHeld) || Date.now() >= until) throw error;
    }
    await pause(500, signal);
    signal.throwIfAborted();
  }
}
