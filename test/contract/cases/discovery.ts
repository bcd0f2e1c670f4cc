import assert from 'node:assert/strict';
import type { Loose } from '../api.ts';
import type { Case } from '../case.ts';
import { law } from '../case.ts';

const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

/** What clients ask before they do anything. */
export const DISCOVERY: readonly Case[] = [
  law('readyz, livez and healthz say ok', async ({ api }) => {
    for (const path of ['/readyz', '/livez', '/healthz']) {
      const { code, body } = await api.get(path);
      assert.deepEqual([code, body], [200, 'ok']);
    }
  }),
  law('the version is 1.36', async ({ api }) => {
    const { body } = await api.get('/version');
    assert.deepEqual([body.major, body.minor], ['1', '36']);
    assert.match(body.gitVersion, /^v1\.36\./);
  }),
  law('core and named groups are listed', async ({ api }) => {
    const { body: core } = await api.get('/api');
    assert.deepEqual([core.kind, core.versions], ['APIVersions', ['v1']]);
    const { body: apps } = await api.get('/apis/apps');
    assert.deepEqual(apps, {
      kind: 'APIGroup',
      apiVersion: 'v1',
      name: 'apps',
      versions: [{ groupVersion: 'apps/v1', version: 'v1' }],
      preferredVersion: { groupVersion: 'apps/v1', version: 'v1' },
    });
    const { body: groups } = await api.get('/apis');
    assert.ok(groups.groups.some((group: Loose) => group.name === 'rbac.authorization.k8s.io'));
  }),
  law('resources of a group are listed with verbs, names and subresources', async ({ api }) => {
    const { body } = await api.get('/apis/apps/v1');
    assert.deepEqual([body.kind, body.groupVersion], ['APIResourceList', 'apps/v1']);
    const find = (name: string) => {
      const { storageVersionHash: _, ...resource } = body.resources.find((r: Loose) => r.name === name);
      return resource;
    };
    assert.deepEqual(find('deployments'), {
      name: 'deployments',
      singularName: 'deployment',
      namespaced: true,
      kind: 'Deployment',
      verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
      shortNames: ['deploy'],
      categories: ['all'],
    });
    assert.deepEqual(find('deployments/scale'), {
      name: 'deployments/scale',
      singularName: '',
      namespaced: true,
      group: 'autoscaling',
      version: 'v1',
      kind: 'Scale',
      verbs: ['get', 'patch', 'update'],
    });
  }),
  law('aggregated discovery says the same in one answer', async ({ api }) => {
    const { body, headers } = await api.get('/apis', { accept: AGGREGATED });
    assert.equal(headers['content-type'], AGGREGATED);
    assert.deepEqual([body.kind, body.apiVersion], ['APIGroupDiscoveryList', 'apidiscovery.k8s.io/v2']);
    const group = body.items.find((item: Loose) => item.metadata.name === 'apps');
    const [version] = group.versions;
    assert.deepEqual([version.version, version.freshness], ['v1', 'Current']);
    assert.deepEqual(
      version.resources.find((resource: Loose) => resource.resource === 'deployments'),
      {
        resource: 'deployments',
        responseKind: { group: '', version: '', kind: 'Deployment' },
        scope: 'Namespaced',
        singularResource: 'deployment',
        verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
        shortNames: ['deploy'],
        categories: ['all'],
        subresources: [
          {
            subresource: 'scale',
            responseKind: { group: 'autoscaling', version: 'v1', kind: 'Scale' },
            verbs: ['get', 'patch', 'update'],
          },
          {
            subresource: 'status',
            responseKind: { group: '', version: '', kind: 'Deployment' },
            verbs: ['get', 'patch', 'update'],
          },
        ],
      },
    );
    const { body: core } = await api.get('/api', { accept: AGGREGATED });
    assert.ok(core.items[0].versions[0].resources.some((r: Loose) => r.resource === 'configmaps'));
  }),
  law('OpenAPI v3 says that patches know fieldValidation', async ({ api }) => {
    const read = async (path: string) => {
      const { body } = await api.get(path);
      // A real server serves this JSON as text.
      return typeof body === 'string' ? JSON.parse(body) : body;
    };
    const index = await read('/openapi/v3');
    const { serverRelativeURL } = index.paths['apis/apps/v1'];
    assert.ok(serverRelativeURL.startsWith('/openapi/v3/apis/apps/v1'));
    const body = await read('/openapi/v3/apis/apps/v1');
    const { patch } = body.paths['/apis/apps/v1/namespaces/{namespace}/deployments/{name}'];
    assert.deepEqual(patch['x-kubernetes-group-version-kind'], {
      group: 'apps',
      kind: 'Deployment',
      version: 'v1',
    });
    assert.ok(patch.parameters.some((parameter: Loose) => parameter.name === 'fieldValidation'));
  }),
];
