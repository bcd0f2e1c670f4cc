/** One thread of the render benchmark: makes its trees, says so, and renders its share when it is told to go. */
import { once } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';
import { NodeCache } from '#render/closure.ts';
import { openEngine } from '#render/engine.ts';
import { openRendering, type Part, renderFleet } from './render-fleet.ts';

const { apps, clusters, part, parts } = workerData as Part;
const fleet = renderFleet(apps, clusters);
const app = (path: string) => Number(/^overlays\/app-(\d+)\//.exec(path)?.[1]);
const mine = fleet.overlays.filter((path) => app(path) % parts === part);
const render = openRendering(fleet.files, new AbortController().signal);
parentPort!.postMessage('ready');
await once(parentPort!, 'message');
const engine = openEngine();
const cache = new NodeCache();
for (const path of mine) await render(path, engine, cache);
parentPort!.postMessage('done');
