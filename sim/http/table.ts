import type { Json, JsonObject } from '../json.ts';
import { isObject, objectsAt, stringMap, valueAt } from '../json.ts';
import type { Kind } from '../kinds/kinds.ts';
import type { Stored } from '../store.ts';
import { render, unpack } from '../store.ts';

interface Column {
  readonly name: string;
  readonly type: string;
  readonly cell: (object: JsonObject) => Json;
}

const at =
  (...path: string[]) =>
  (object: JsonObject): Json =>
    valueAt(object, ...path) ?? '';
const count = (field: string) => (object: JsonObject) => {
  const value = valueAt(object, field);
  return isObject(value) ? Object.keys(value).length : 0;
};
const column = (name: string, cell: Column['cell'], type = 'string'): Column => ({ name, type, cell });
const ready = (have: string, want: string) => (object: JsonObject) =>
  `${valueAt(object, 'status', have) ?? 0}/${valueAt(object, 'spec', want) ?? 0}`;

/** The columns between NAME and AGE that people know from kubectl. */
const COLUMNS: Record<string, Column[]> = {
  Namespace: [column('Status', at('status', 'phase'))],
  ConfigMap: [column('Data', count('data'), 'integer')],
  Secret: [column('Type', at('type')), column('Data', count('data'), 'integer')],
  Service: [
    column('Type', at('spec', 'type')),
    column('Cluster-IP', at('spec', 'clusterIP')),
    column('Port(s)', (object) =>
      objectsAt(object, 'spec', 'ports')
        .map((port) => `${port.port}/${port.protocol}`)
        .join(','),
    ),
  ],
  Pod: [
    column('Ready', (object) => {
      const states = objectsAt(object, 'status', 'containerStatuses');
      const all = objectsAt(object, 'spec', 'containers').length;
      return `${states.filter((state) => state.ready === true).length}/${all}`;
    }),
    column('Status', at('status', 'phase')),
  ],
  Deployment: [
    column('Ready', ready('readyReplicas', 'replicas')),
    column('Up-to-date', (object) => valueAt(object, 'status', 'updatedReplicas') ?? 0, 'integer'),
    column('Available', (object) => valueAt(object, 'status', 'availableReplicas') ?? 0, 'integer'),
  ],
  StatefulSet: [column('Ready', ready('readyReplicas', 'replicas'))],
  DaemonSet: [
    column('Desired', at('status', 'desiredNumberScheduled'), 'integer'),
    column('Ready', at('status', 'numberReady'), 'integer'),
  ],
  Job: [column('Completions', ready('succeeded', 'completions'))],
  CronJob: [column('Schedule', at('spec', 'schedule')), column('Suspend', at('spec', 'suspend'), 'boolean')],
  Ingress: [
    column('Class', at('spec', 'ingressClassName')),
    column('Hosts', (object) =>
      objectsAt(object, 'spec', 'rules')
        .map((rule) => rule.host ?? '*')
        .join(','),
    ),
  ],
};

const DATE_TIME = { name: 'Created At', type: 'date', description: '', format: '', priority: 0 };

/** A meta.k8s.io/v1 Table, which is what `kubectl get` prints. */
export function renderTable(kind: Kind, items: readonly Stored[], revision: string, token?: string): string {
  const columns = COLUMNS[kind.kind] ?? [];
  const definition = (name: string, type: string) => ({
    name,
    type,
    format: name === 'Name' ? 'name' : '',
    description: '',
    priority: 0,
  });
  const isPlain = columns.length === 0;
  const definitions = [
    definition('Name', 'string'),
    ...columns.map(({ name, type }) => definition(name, type)),
    isPlain ? DATE_TIME : definition('Age', 'string'),
  ];
  const rows = items.map((stored) => {
    const object = unpack(stored, kind);
    const created = String(valueAt(object, 'metadata', 'creationTimestamp') ?? '');
    const cells = [stored.name, ...columns.map(({ cell }) => cell(object)), isPlain ? created : age(created)];
    const partial = render(
      { ...stored, rest: '' },
      { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1' },
    );
    return `{"cells":${JSON.stringify(cells)},"object":${partial}}`;
  });
  const metadata = { resourceVersion: revision, ...stringMap(token ? { continue: token } : {}) };
  return `{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":${JSON.stringify(metadata)},"columnDefinitions":${JSON.stringify(definitions)},"rows":[${rows.join(',')}]}`;
}

function age(created: string): string {
  const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(created)) / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`;
}
