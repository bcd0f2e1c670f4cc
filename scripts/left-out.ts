/** What the bundles leave out of their dependencies: an agent holds in memory what it imports. `npm run bench -- idle` tells. */
import { dirname } from 'node:path';
import type { Plugin } from 'esbuild';

/**
 * Of client-node the agent uses KubeConfig alone (facts of a kubeconfig, credentials, TLS). Its generated models and clients are four
 * fifths of what an idle agent would hold in memory, reached from config.js only by `makeApiClient`, which nobody here calls.
 */
const generatedClients: Plugin = {
  name: 'without-generated-clients',
  setup(building) {
    building.onResolve({ filter: /^\.\/gen\/index\.js$/ }, ({ importer }) =>
      /client-node[/\\]dist[/\\]config\.js$/.test(importer)
        ? { path: 'generated-clients', namespace: 'left-out' }
        : undefined,
    );
    building.onLoad({ filter: /.*/, namespace: 'left-out' }, () => ({
      contents: `const leftOut = () => { throw new Error('generated clients are not part of this bundle'); };
export { leftOut as createConfiguration, leftOut as ServerConfiguration };`,
    }));
  },
};

/**
 * Of undici: dispatchers and `request`, without fetch, caches, mocks, interceptors and WebSockets, which its index would import with
 * them. `request` does what `makeDispatcher` of that index does for a URL. `fetch` is imported by client-node and never called.
 */
const UNDICI = `
const Dispatcher = require('./lib/dispatcher/dispatcher');
const { getGlobalDispatcher } = require('./lib/global');
const { parseURL } = require('./lib/core/util');
Dispatcher.prototype.request = require('./lib/api/api-request');
module.exports = {
  Dispatcher,
  Agent: require('./lib/dispatcher/agent'),
  ProxyAgent: require('./lib/dispatcher/proxy-agent'),
  request(address, { dispatcher = getGlobalDispatcher(), ...options } = {}) {
    const { origin, pathname, search } = parseURL(address);
    const method = options.method ?? (options.body ? 'PUT' : 'GET');
    return dispatcher.request({ ...options, origin, path: pathname + search, method });
  },
  fetch() {
    throw new Error('fetch of undici is not part of this bundle');
  },
};`;

const mostOfUndici: Plugin = {
  name: 'without-most-of-undici',
  setup(building) {
    building.onLoad({ filter: /node_modules[/\\]undici[/\\]index\.js$/ }, ({ path }) => ({
      contents: UNDICI,
      resolveDir: dirname(path),
    }));
  },
};

const foreignWords: Plugin = {
  name: 'without-foreign-words',
  setup(building) {
    building.onLoad({ filter: /zod[/\\]v4[/\\]locales[/\\]index\.js$/ }, ({ path }) => ({
      contents: `export { default as en } from './en.js';`,
      resolveDir: dirname(path),
    }));
  },
};

export const leftOut: readonly Plugin[] = [generatedClients, mostOfUndici, foreignWords];
