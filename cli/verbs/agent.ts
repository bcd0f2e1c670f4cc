import { type Flags, unknown, usage } from '../args.ts';
import { runChild } from '../child.ts';
import type { Verb } from '../verb.ts';
import { TEXT_OR_JSON } from './common.ts';

const FLAGS: Flags = {
  path: { value: 'DIR', describe: 'the overlay; the enclosing Git work tree, else DIR, is the repository' },
  placement: { value: 'NAME|FILE.yaml', describe: 'owns the objects; a file brings its policy too' },
  cluster: {
    value: 'ENTRY.yaml',
    describe:
      'entry of the cluster, for its labels and values; an observed or suspended one is not written to',
  },
  kubeconfig: { value: 'FILE', describe: 'default: KUBECONFIG, then ~/.kube/config, then the pod' },
  context: { value: 'NAME', describe: 'context of the kubeconfig' },
  mode: { value: 'MODE', choices: ['correct', 'report'], describe: 'default: as the placement says' },
  'dry-run': { describe: 'say what would be done, write nothing' },
  wait: { value: 'DURATION', describe: 'for everything to be Current (default: 60s)' },
  ...TEXT_OR_JSON,
  namespace: { value: 'NAME', describe: 'of inventory and Lease (default: flotilla-system)' },
  namespaces: { value: 'NAME,…', describe: 'confines the pass to these (default: the whole cluster)' },
  kustomize: {
    value: 'FILE',
    describe:
      'the pinned kustomize, where render.fallback asks for it (default: FLOTILLA_KUSTOMIZE, then PATH)',
  },
  helm: { value: 'FILE', describe: 'the pinned helm, for charts (default: FLOTILLA_HELM, then PATH)' },
};

/** The agent is another program: it runs as a child, with this terminal as its own. */
export const agent: Verb = {
  summary: 'Runs one pass of the agent’s engine over a directory: no hub, no NATS, no Git server.',
  usage: [
    'agent once --path DIR --placement NAME|FILE.yaml [--cluster ENTRY.yaml] [--kubeconfig FILE] [--context NAME]',
    '           [--mode correct|report] [--dry-run] [--wait 60s] [-o text|json]',
  ],
  flags: FLAGS,
  notes: [
    'The inventory lives in the cluster, so that the next pass prunes what this one applied.',
    'Exit codes: 0 converged (with --dry-run: nothing would change), 1 not, 2 could not run, 64 wrong command line.',
  ],
  async run(parsed, { signal }) {
    const [what, extra] = parsed.positionals;
    if (what === undefined) throw usage('agent what? once');
    if (what !== 'once') throw unknown('word', what, ['once']);
    if (extra !== undefined) throw usage(`unexpected word ${extra}`);
    const values = [...parsed.values].filter(([name]) => Object.hasOwn(FLAGS, name));
    const args = [
      'once',
      ...values.flatMap(([name, [value]]) => [`--${name}=${value}`]),
      ...(parsed.switches.has('dry-run') ? ['--dry-run'] : []),
    ];
    return runChild('agent', args, signal);
  },
};
