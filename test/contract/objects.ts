import type { Loose } from './api.ts';

/** Small objects that cases start from; `change` makes them what the case needs. */
export function configMap(name: string, data: Record<string, string>, metadata: Loose = {}): Loose {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...metadata }, data };
}

export function deployment(
  name: string,
  change: (spec: Loose, object: Loose) => void = () => undefined,
): Loose {
  const object = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: 'web', image: 'registry.example/web:1' }] },
      },
    },
  };
  change(object.spec, object);
  return object;
}

export function service(name: string, ports: Loose[]): Loose {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { selector: { app: name }, ports } };
}

/** A CRD of kind Widget in a group of its own, so that runs do not meet. */
export function widgetCrd(
  group: string,
  change: (version: Loose, crd: Loose) => void = () => undefined,
): Loose {
  const spec = {
    type: 'object',
    required: ['size'],
    properties: {
      size: { type: 'integer', minimum: 1 },
      colour: { type: 'string', default: 'grey', enum: ['grey', 'red', 'blue'] },
      limit: { 'x-kubernetes-int-or-string': true },
      tags: { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set' },
      parts: {
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['id', 'kind'],
        items: {
          type: 'object',
          required: ['id'],
          properties: {
            id: { type: 'string' },
            kind: { type: 'string', default: 'plain' },
            weight: { type: 'integer' },
          },
        },
      },
      steps: { type: 'array', items: { type: 'object', properties: { run: { type: 'string' } } } },
      options: { type: 'object', additionalProperties: { type: 'string' } },
      free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      exact: {
        type: 'object',
        'x-kubernetes-map-type': 'atomic',
        properties: { a: { type: 'string' }, b: { type: 'string' } },
      },
    },
  };
  const status = { type: 'object', properties: { phase: { type: 'string' }, replicas: { type: 'integer' } } };
  const version = {
    name: 'v1',
    served: true,
    storage: true,
    schema: { openAPIV3Schema: { type: 'object', properties: { spec, status } } },
    subresources: { status: {} },
  };
  const crd = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `widgets.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural: 'widgets', singular: 'widget', kind: 'Widget', shortNames: ['wd'] },
      versions: [version],
    },
  };
  change(version, crd);
  return crd;
}

export function widget(group: string, name: string, spec: Loose): Loose {
  return { apiVersion: `${group}/v1`, kind: 'Widget', metadata: { name }, spec };
}
