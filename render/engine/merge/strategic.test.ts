import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { openOracle } from '../../testing/oracle.ts';
import { type Json, readYaml } from '../../yaml/read.ts';
import { EngineFault } from '../fault.ts';
import { getIn, isMap, type JsonMap } from '../json.ts';
import { withoutBlanks } from './blanks.ts';
import { readOpenApi } from './open-api.ts';
import { BUILTIN_SCHEMA } from './schema.ts';
import { strategicMerge } from './strategic.ts';

/**
 * Target, patch and result, each without what makes it an object (a Pod, if nothing else is said); undefined means deleted. Every
 * row was read off the pinned kustomize, and is compared with it again below.
 */
const ROWS: readonly [name: string, target: string, patch: string, expected: string | undefined | RegExp][] =
  [
    [
      'elements of a patch come first, in its order, and keep what they do not speak of',
      '{spec: {containers: [{name: a, image: a}, {name: b, image: b}]}}',
      '{spec: {containers: [{name: b, image: x}, {name: c, image: c}]}}',
      '{spec: {containers: [{name: b, image: x}, {name: c, image: c}, {name: a, image: a}]}}',
    ],
    [
      '$patch: delete takes an element out',
      '{spec: {containers: [{name: a, image: a}, {name: b, image: b}]}}',
      '{spec: {containers: [{name: a, $patch: delete}]}}',
      '{spec: {containers: [{name: b, image: b}]}}',
    ],
    [
      '$patch: delete of an element that is not there changes nothing',
      '{spec: {containers: [{name: a, image: a}, {name: b, image: b}]}}',
      '{spec: {containers: [{name: z, $patch: delete}]}}',
      '{spec: {containers: [{name: a, image: a}, {name: b, image: b}]}}',
    ],
    [
      '$patch: replace of an element has no effect',
      '{spec: {containers: [{name: a, image: a}, {name: b, image: b}]}}',
      '{spec: {containers: [{name: a, $patch: replace, args: [x]}]}}',
      '{spec: {containers: [{name: a, image: a}, {name: b, image: b}]}}',
    ],
    [
      'an element that is $patch: replace alone replaces the list',
      '{spec: {containers: [{name: a, image: a}, {name: b, image: b}]}}',
      '{spec: {containers: [{$patch: replace}, {name: c, image: c}]}}',
      '{spec: {containers: [{name: c, image: c}]}}',
    ],
    [
      'an element that is $patch: delete alone removes the list',
      '{spec: {containers: [{name: a, image: a}, {name: b, image: b}]}}',
      '{spec: {containers: [{$patch: delete}]}}',
      '{spec: {}}',
    ],
    [
      'an element that is $patch: merge alone vanishes',
      '{spec: {containers: [{name: a, image: a}, {name: b, image: b}]}}',
      '{spec: {containers: [{$patch: merge}, {name: c, image: c}]}}',
      '{spec: {containers: [{name: c, image: c}, {name: a, image: a}, {name: b, image: b}]}}',
    ],
    [
      'an element without a key in the patch wipes the others out',
      '{spec: {containers: [{name: a, image: a}, {name: b, image: b}]}}',
      '{spec: {containers: [{image: x}]}}',
      '{spec: {containers: []}}',
    ],
    [
      'the last element without a key in the target remains alone',
      '{spec: {containers: [{name: a, image: a}, {image: q}]}}',
      '{spec: {containers: [{name: b, image: b}]}}',
      '{spec: {containers: [{image: q}]}}',
    ],
    [
      'of elements with one key the last remains',
      '{spec: {containers: [{name: a, image: a}, {name: a, image: z}]}}',
      '{spec: {containers: [{name: a, command: [x]}]}}',
      '{spec: {containers: [{name: a, image: z}]}}',
    ],
    [
      'the first of two patches for one element counts',
      '{spec: {containers: [{name: a, image: a}]}}',
      '{spec: {containers: [{name: a, image: a}, {name: a, image: z}]}}',
      '{spec: {containers: [{name: a, image: a}]}}',
    ],
    [
      'an empty list in the patch changes nothing',
      '{spec: {containers: [{name: a, image: a}, {name: b, image: b}]}}',
      '{spec: {containers: []}}',
      '{spec: {containers: [{name: a, image: a}, {name: b, image: b}]}}',
    ],
    [
      'a list is added where none was',
      '{spec: {}}',
      '{spec: {containers: [{name: a, image: a}]}}',
      '{spec: {containers: [{name: a, image: a}]}}',
    ],
    ['null removes a list', '{spec: {containers: [{name: a}]}}', '{spec: {containers: null}}', '{spec: {}}'],
    [
      'an empty element vanishes',
      '{spec: {containers: [{name: a, image: a}, {}]}}',
      '{spec: {containers: [{name: b, image: b}]}}',
      '{spec: {containers: [{name: b, image: b}, {name: a, image: a}]}}',
    ],
    [
      'keys of a number and of its text are one',
      '{spec: {containers: [{name: 1}]}}',
      '{spec: {containers: [{name: "1", image: x}]}}',
      '{spec: {containers: [{name: "1", image: x}]}}',
    ],
    [
      'Service ports merge by port and protocol',
      '{kind: Service, spec: {ports: [{port: 80, protocol: TCP}, {port: 80, protocol: UDP}]}}',
      '{spec: {ports: [{port: 80, protocol: UDP, name: x}]}}',
      '{spec: {ports: [{port: 80, protocol: TCP}, {port: 80, protocol: UDP, name: x}]}}',
    ],
    [
      'a port without protocol is the first of that number',
      '{kind: Service, spec: {ports: [{port: 80, protocol: TCP}, {port: 80, protocol: UDP}]}}',
      '{spec: {ports: [{port: 80, name: x}]}}',
      '{spec: {ports: [{port: 80, protocol: TCP}, {port: 80, protocol: UDP}]}}',
    ],
    [
      'a protocol that only the patch names gets lost',
      '{kind: Service, spec: {ports: [{port: 80}]}}',
      '{spec: {ports: [{port: 80, protocol: TCP, name: x}]}}',
      '{spec: {ports: [{port: 80}]}}',
    ],
    [
      'ports without any protocol merge by port alone',
      '{kind: Service, spec: {ports: [{port: 80}, {port: 81}]}}',
      '{spec: {ports: [{port: 81, name: x}, {port: 82}]}}',
      '{spec: {ports: [{port: 81, name: x}, {port: 82}, {port: 80}]}}',
    ],
    [
      'a new port with a protocol stands before those of the target',
      '{kind: Service, spec: {ports: [{port: 80}, {port: 81}]}}',
      '{spec: {ports: [{port: 80, protocol: UDP}, {port: 82}]}}',
      '{spec: {ports: [{port: 82}, {port: 80}, {port: 81}]}}',
    ],
    [
      'a port is deleted by its number where no port names a protocol',
      '{kind: Service, spec: {ports: [{port: 80}]}}',
      '{spec: {ports: [{port: 80, $patch: delete}]}}',
      '{spec: {ports: []}}',
    ],
    [
      'container ports merge by containerPort and protocol',
      '{spec: {containers: [{name: a, ports: [{containerPort: 80, protocol: TCP}, {containerPort: 80, protocol: UDP}]}]}}',
      '{spec: {containers: [{name: a, ports: [{containerPort: 80, protocol: UDP, name: dns}]}]}}',
      '{spec: {containers: [{name: a, ports: [{containerPort: 80, protocol: TCP}, {containerPort: 80, protocol: UDP, name: dns}]}]}}',
    ],
    [
      'what is written as nothing vanishes, a written null stays, empty maps and lists stay',
      'spec:\n  a:\n  b: null\n  c: ~\n  d: {}\n  e: []\n  volumes:\n  - name: v\n    emptyDir:\n  - name: w\n    emptyDir: {}\n',
      '{spec: {x: 1}}',
      '{spec: {b: null, c: null, d: {}, e: [], volumes: [{name: v}, {name: w, emptyDir: {}}], x: 1}}',
    ],
    [
      'nulls remove, and vanish from what is added outside of plain lists',
      '{spec: {a: {b: {c: 1}, l: [null, 1]}}}',
      '{spec: {a: {b: {c: null}}, n: null, new: {x: null, y: {z: null}, l: [{a: null}]}}}',
      '{spec: {a: {b: {}, l: [null, 1]}, new: {y: {}, l: [{a: null}]}}}',
    ],
    [
      '$patch: replace replaces a map',
      '{spec: {a: {b: 1, c: 2}}}',
      '{spec: {a: {$patch: replace, d: 1, e: null}}}',
      '{spec: {a: {d: 1}}}',
    ],
    [
      '$patch: delete removes a map',
      '{spec: {a: {b: 1, c: 2}, k: 1}}',
      '{spec: {a: {$patch: delete}, q: {$patch: delete}}}',
      '{spec: {k: 1}}',
    ],
    [
      'an unknown $patch in a new map is an ordinary field',
      '{spec: {}}',
      '{spec: {z: {$patch: nonsense, d: {$patch: merge, k: 1}}}}',
      '{spec: {z: {$patch: nonsense, d: {k: 1}}}}',
    ],
    [
      'a null in the target gives way to a map',
      '{spec: {a: null}}',
      '{spec: {a: {b: 1}}}',
      '{spec: {a: {b: 1}}}',
    ],
    ['$patch: delete at the root deletes the object', '{spec: {a: 1}}', '{$patch: delete}', undefined],
    [
      '$patch: replace at the root has no effect',
      '{spec: {a: 1}}',
      '{$patch: replace, x: 1}',
      '{spec: {a: 1}}',
    ],
    [
      'finalizers merge as plain values, each once',
      '{metadata: {name: T, finalizers: [a, b, b]}}',
      '{metadata: {name: T, finalizers: [b, c]}}',
      '{metadata: {finalizers: [b, c, a]}}',
    ],
    [
      '$setElementOrder, $deleteFromPrimitiveList and $retainKeys are ordinary fields',
      '{metadata: {name: T, finalizers: [a]}}',
      '{metadata: {name: T, $deleteFromPrimitiveList/finalizers: [a], $setElementOrder/finalizers: [c]}, spec: {$retainKeys: [x]}}',
      '{metadata: {finalizers: [a], "$deleteFromPrimitiveList/finalizers":[a], "$setElementOrder/finalizers":[c]}, spec: {$retainKeys: [x]}}',
    ],
    [
      'lists of custom resources are replaced',
      '{apiVersion: x.io/v1, kind: Cr, spec: {containers: [{name: a, x: 1}]}}',
      '{spec: {containers: [{name: a, y: 1}]}}',
      '{spec: {containers: [{name: a, y: 1}]}}',
    ],
    [
      'an object inside of a custom resource merges by its own kind',
      '{apiVersion: x.io/v1, kind: Cr, spec: {tpl: {apiVersion: v1, kind: Pod, spec: {containers: [{name: a, x: 1}]}}}}',
      '{spec: {tpl: {spec: {containers: [{name: a, y: 1}]}}}}',
      '{spec: {tpl: {apiVersion: v1, kind: Pod, spec: {containers: [{name: a, x: 1, y: 1}]}}}}',
    ],
    [
      'schedulingGates and tolerations are replaced',
      '{spec: {schedulingGates: [{name: a}], tolerations: [{key: a}]}}',
      '{spec: {schedulingGates: [{name: b}], tolerations: [{key: b}]}}',
      '{spec: {schedulingGates: [{name: b}], tolerations: [{key: b}]}}',
    ],
    [
      'topologySpreadConstraints merge by both keys and stay where they are',
      '{spec: {topologySpreadConstraints: [{topologyKey: a, whenUnsatisfiable: b, maxSkew: 1}, {topologyKey: a, whenUnsatisfiable: c}]}}',
      '{spec: {topologySpreadConstraints: [{topologyKey: a, whenUnsatisfiable: c, maxSkew: 5}]}}',
      '{spec: {topologySpreadConstraints: [{topologyKey: a, whenUnsatisfiable: b, maxSkew: 1}, {topologyKey: a, whenUnsatisfiable: c, maxSkew: 5}]}}',
    ],
    [
      'a volume keeps its old source beside the new one',
      '{spec: {volumes: [{name: a, hostPath: {path: x}}, {name: b, emptyDir: {}}]}}',
      '{spec: {volumes: [{name: a, emptyDir: {}}]}}',
      '{spec: {volumes: [{name: a, hostPath: {path: x}, emptyDir: {}}, {name: b, emptyDir: {}}]}}',
    ],
    [
      'what replaces a quoted text becomes text',
      '{spec: {a: "80", b: "true", c: 1}}',
      '{spec: {a: 90, b: false, c: "2"}}',
      '{spec: {a: "90", b: "false", c: "2"}}',
    ],
    [
      'numbers beyond 2^53 keep every digit',
      '{spec: {a: 9007199254740993}}',
      '{spec: {b: 9223372036854775807}}',
      '{spec: {a: 9007199254740993, b: 9223372036854775807}}',
    ],
    [
      'a scalar gives way to no map',
      '{spec: {a: 1}}',
      '{spec: {a: {b: 1}}}',
      /wrong node kind: expected ScalarNode but got MappingNode/,
    ],
    [
      'a map gives way to no list',
      '{spec: {a: {b: 1}}}',
      '{spec: {a: [1]}}',
      /wrong node kind: expected MappingNode but got SequenceNode/,
    ],
    [
      'a list of maps takes no plain value',
      '{spec: {containers: [{name: a}, y]}}',
      '{spec: {containers: [{name: b}]}}',
      /wrong node kind: expected MappingNode but got ScalarNode/,
    ],
    [
      'an unknown $patch over a map is refused',
      '{spec: {a: {b: 1}}}',
      '{spec: {a: {$patch: foo}}}',
      /unknown patch strategy .foo./,
    ],
    [
      'finalizers take no map',
      '{metadata: {name: T, finalizers: [a, {b: 1}]}}',
      '{metadata: {name: T, finalizers: [c]}}',
      /wrong node kind: expected ScalarNode but got MappingNode/,
    ],
  ];

function read(text: string, type: JsonMap, name: string): JsonMap {
  const value = readYaml(text, { blanks: true })[0]!.value as JsonMap;
  const metadata = isMap(value.metadata) ? value.metadata : {};
  return {
    apiVersion: type.apiVersion ?? 'v1',
    kind: type.kind ?? 'Pod',
    ...value,
    metadata: { ...metadata, name },
  };
}

const rows = ROWS.map(([name, target, patch, expected], index) => {
  const type = readYaml(target)[0]!.value as JsonMap;
  const id = `row-${index}`;
  return { name, id, target: read(target, type, id), patch: read(patch, type, id), type, expected };
});

describe('strategic merge', () => {
  for (const { name, id, target, patch, type, expected } of rows) {
    test(name, () => {
      const merge = () => strategicMerge(target, patch, BUILTIN_SCHEMA);
      if (expected instanceof RegExp) {
        assert.throws(merge, (fault) => fault instanceof EngineFault && expected.test(fault.message));
        return;
      }
      const before = structuredClone([target, patch]);
      const result = merge();
      assert.deepEqual([target, patch], before);
      const wanted = expected === undefined ? undefined : read(String(expected), type, id);
      assert.deepEqual(result && withoutBlanks(result), wanted);
    });
  }
});

describe('the pinned kustomize', () => {
  let ask: Awaited<ReturnType<typeof openOracle>>;
  before(async () => {
    ask = await openOracle();
  });
  /** JSON is YAML, apart from blanks, which have to be written as they were. */
  const write = (value: JsonMap) =>
    JSON.stringify(value, (_, member) =>
      member === undefined ? '\u0000' : typeof member === 'bigint' ? `\u0001${member}\u0001` : member,
    )
      .replaceAll('"\\u0000"', '')
      .replace(/"\\u0001(\d+)\\u0001"/g, '$1');
  const files = (chosen: typeof rows) => ({
    'kustomization.yaml': `resources: [all.yaml]\npatches: [${chosen.map(({ id }) => `{path: ${id}.yaml}`).join(', ')}]`,
    'all.yaml': chosen.map(({ target }) => write(target)).join('\n---\n'),
    ...Object.fromEntries(chosen.map(({ id, patch }) => [`${id}.yaml`, write(patch)])),
  });

  test('merges every row to the same', async () => {
    const chosen = rows.filter(({ expected }) => !(expected instanceof RegExp));
    const told = await ask(files(chosen));
    assert.equal(told.refused, undefined);
    const wanted = chosen.flatMap(({ id, type, expected }) =>
      expected === undefined ? [] : [read(String(expected), type, id) as Json],
    );
    assert.deepEqual(told.objects, wanted);
  });

  test('refuses what is refused here', async () => {
    for (const row of rows.filter(({ expected }) => expected instanceof RegExp)) {
      const told = await ask(files([row]));
      assert.match(told.refused ?? 'it does not', row.expected as RegExp, row.name);
    }
  });
});

test('an OpenAPI document of its own says which lists of a custom resource merge', () => {
  const schema = readOpenApi(
    readYaml(`
definitions:
  io.x.Cr:
    x-kubernetes-group-version-kind: [{group: x.io, version: v1, kind: Cr}]
    properties:
      spec: {$ref: '#/definitions/io.x.Spec'}
  io.x.Spec:
    properties:
      parts:
        type: array
        x-kubernetes-patch-strategy: merge
        x-kubernetes-patch-merge-key: id
        items: {$ref: '#/definitions/io.x.Spec'}
`)[0]!.value,
  );
  const cr = (spec: Json): JsonMap => ({ apiVersion: 'x.io/v1', kind: 'Cr', spec });
  const target = cr({ parts: [{ id: 1, a: 1, parts: [{ id: 'i', z: 1 }] }, { id: 2 }] });
  const merged = strategicMerge(target, cr({ parts: [{ id: 1, parts: [{ id: 'i', y: 2 }] }] }), schema);
  assert.deepEqual(merged, cr({ parts: [{ id: 1, a: 1, parts: [{ id: 'i', z: 1, y: 2 }] }, { id: 2 }] }));
  assert.deepEqual(
    strategicMerge(target, cr({ parts: [{ id: 9 }] }), BUILTIN_SCHEMA),
    cr({ parts: [{ id: 9 }] }),
  );
});

test('what a patch does not touch is shared, and a second merge does not look at it again', () => {
  const target = read('{spec: {containers: [{name: a, env: [{name: x}]}]}}', {}, 'a');
  const merged = strategicMerge(target, read('{other: 1}', {}, 'a'), BUILTIN_SCHEMA);
  assert.equal(merged?.spec, target.spec);
});

test('long lists with keys merge in linear time, long lists without are refused', () => {
  const list = (size: number, key: string) =>
    Array.from({ length: size }, (_, index): Json => ({ [key]: `n${index}` }));
  const pod = (containers: Json): JsonMap => ({ apiVersion: 'v1', kind: 'Pod', spec: { containers } });
  const merged = strategicMerge(pod(list(50_000, 'name')), pod(list(50_000, 'name')), BUILTIN_SCHEMA);
  assert.equal((getIn(merged, 'spec', 'containers') as Json[]).length, 50_000);
  assert.throws(
    () => strategicMerge(pod(list(5_000, 'image')), pod(list(1, 'name')), BUILTIN_SCHEMA),
    /more than 2000 elements, of which some have no key/,
  );
});
