import type { Json, JsonObject } from '../json.ts';
import { isObject, objectsAt } from '../json.ts';

/** Sets fields that are absent. */
export function fill(object: JsonObject, defaults: Record<string, Json>): void {
  for (const [name, value] of Object.entries(defaults)) if (object[name] === undefined) object[name] = value;
}

/** The object below a field, created when absent. */
export function child(object: JsonObject, name: string): JsonObject {
  const value = object[name];
  if (isObject(value)) return value;
  const created: JsonObject = {};
  object[name] = created;
  return created;
}

/** Defaults of a pod spec wherever one stands: in a Pod or in a template (pkg/apis/core/v1/defaults.go). */
export function defaultPodSpec(spec: JsonObject): void {
  fill(spec, {
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    securityContext: {},
    schedulerName: 'default-scheduler',
  });
  // The deprecated alias follows the name, or gives it.
  const account = spec.serviceAccountName ?? spec.serviceAccount;
  if (account !== undefined) {
    spec.serviceAccountName = account;
    spec.serviceAccount = account;
  }
  for (const list of ['initContainers', 'containers', 'ephemeralContainers']) {
    for (const container of objectsAt(spec, list)) defaultContainer(container);
  }
  for (const volume of objectsAt(spec, 'volumes')) defaultVolume(volume);
}

function defaultContainer(container: JsonObject): void {
  fill(container, {
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: isLatest(String(container.image ?? '')) ? 'Always' : 'IfNotPresent',
  });
  for (const name of ['livenessProbe', 'readinessProbe', 'startupProbe']) {
    const probe = container[name];
    if (isObject(probe)) defaultProbe(probe);
  }
  for (const hook of ['postStart', 'preStop']) {
    const lifecycle = isObject(container.lifecycle) ? container.lifecycle[hook] : undefined;
    if (isObject(lifecycle)) defaultHttpGet(lifecycle);
  }
  for (const variable of objectsAt(container, 'env')) {
    const source = isObject(variable.valueFrom) ? variable.valueFrom.fieldRef : undefined;
    if (isObject(source)) fill(source, { apiVersion: 'v1' });
  }
}

/** Without a tag, or with the tag latest, an image is pulled every time; a digest never is. */
function isLatest(image: string): boolean {
  if (image.includes('@')) return false;
  const tag = /:([^/:]+)$/.exec(image)?.[1];
  return tag === undefined || tag === 'latest';
}

function defaultProbe(probe: JsonObject): void {
  fill(probe, { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 });
  defaultHttpGet(probe);
  const grpc = probe.grpc;
  if (isObject(grpc)) fill(grpc, { service: '' });
}

function defaultHttpGet(handler: JsonObject): void {
  const http = handler.httpGet;
  if (isObject(http)) fill(http, { path: '/', scheme: 'HTTP' });
}

function defaultVolume(volume: JsonObject): void {
  if (Object.keys(volume).length === 1) volume.emptyDir = {};
  for (const source of ['secret', 'configMap', 'downwardAPI', 'projected']) {
    const value = volume[source];
    if (isObject(value)) fill(value, { defaultMode: 420 });
  }
  const hostPath = volume.hostPath;
  if (isObject(hostPath)) fill(hostPath, { type: '' });
  const projected = isObject(volume.projected) ? volume.projected : {};
  for (const source of [volume, ...objectsAt(projected, 'sources')]) {
    const token = source.serviceAccountToken;
    if (isObject(token)) fill(token, { expirationSeconds: 3600 });
    for (const item of objectsAt(source, 'downwardAPI', 'items')) {
      const field = item.fieldRef;
      if (isObject(field)) fill(field, { apiVersion: 'v1' });
    }
  }
  const claim = isObject(volume.ephemeral) ? volume.ephemeral.volumeClaimTemplate : undefined;
  if (isObject(claim)) fill(child(claim, 'spec'), { volumeMode: 'Filesystem' });
}

/** A limit without a request is the request, in Pods and nowhere else. */
export function requestsFromLimits(spec: JsonObject): void {
  for (const list of ['initContainers', 'containers']) {
    for (const container of objectsAt(spec, list)) {
      const resources = child(container, 'resources');
      if (!isObject(resources.limits)) continue;
      fill(child(resources, 'requests'), resources.limits as Record<string, Json>);
    }
  }
}
