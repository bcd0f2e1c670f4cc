import { MemoryObjects } from '#git/testing/memory-objects.ts';
import type { Assignment } from '#proto/assignment.ts';
import type { NodeCache } from '#render/closure.ts';
import type { KubeObject } from '#render/objects.ts';
import { renderAssignment } from '#render/render.ts';
import type { Renderer } from '#render/renderer.ts';
import { assignmentOf } from '#render/testing/assignment.ts';

/**
 * Overlays of the shape that fleets have: apps with a shared base, three components, and for every app and cluster an overlay with a
 * namespace, labels, an image, replicas, a strategic merge patch, a JSON patch, generators with hashes, and sometimes a component.
 */
export type RenderFleet = { files: Record<string, string>; overlays: string[] };

/** Which share of the fleet a thread renders: every `parts`th app. */
export type Part = { apps: number; clusters: number; part: number; parts: number };

/** What an overlay renders to, by its path, from trees in memory. */
export function openRendering(files: RenderFleet['files'], signal: AbortSignal) {
  const objects = new MemoryObjects();
  const rootTree = objects.snapshot(files);
  return async (path: string, renderer: Renderer, cache: NodeCache): Promise<KubeObject[]> =>
    (
      await renderAssignment(
        { objects, rootTree, assignment: clusterAssignment(path), renderer, cache },
        signal,
      )
    ).objects;
}

function clusterAssignment(path: string): Assignment {
  const [, placement, cluster] = path.split('/') as [string, string, string];
  return assignmentOf(path, { placement, cluster });
}

export function renderFleet(apps: number, clusters: number): RenderFleet {
  const files: Record<string, string> = { ...components() };
  const overlays: string[] = [];
  for (let app = 0; app < apps; app++) Object.assign(files, base(`app-${app}`, app));
  for (let cluster = 0; cluster < clusters; cluster++) {
    for (let app = 0; app < apps; app++) {
      const path = `overlays/app-${app}/cluster-${cluster}`;
      overlays.push(path);
      Object.assign(files, overlay(path, `app-${app}`, cluster, app));
    }
  }
  return { files, overlays };
}

function base(name: string, seed: number): Record<string, string> {
  const containers = Array.from(
    { length: 1 + (seed % 3) },
    (_, index) => `
      - name: ${index === 0 ? 'main' : `side-${index}`}
        image: registry.example.com/${name}:1.0.${seed}
        ports:
        - containerPort: ${8080 + index}
          name: http-${index}
        env:
        - name: LOG_LEVEL
          value: info
        - name: POD_IP
          valueFrom:
            fieldRef:
              fieldPath: status.podIP
        envFrom:
        - configMapRef:
            name: ${name}-settings
        resources:
          requests: {cpu: 100m, memory: 128Mi}
          limits: {memory: 256Mi}
        volumeMounts:
        - name: settings
          mountPath: /etc/app`,
  ).join('');
  return {
    [`base/${name}/kustomization.yaml`]: `apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [deployment.yaml, service.yaml, ingress.yaml, rbac.yaml, scaling.yaml]
configMapGenerator:
- name: ${name}-settings
  literals: [mode=production, "greeting=hello, fleet"]
  files: [app.properties]
secretGenerator:
- name: ${name}-keys
  literals: [key=not-a-secret-${seed}]
labels:
- pairs: {app.kubernetes.io/name: ${name}, app.kubernetes.io/part-of: bench}
  includeSelectors: true
`,
    [`base/${name}/app.properties`]: Array.from(
      { length: 12 },
      (_, line) => `feature.${line}.enabled=${line % 2 === 0}\n`,
    ).join(''),
    [`base/${name}/deployment.yaml`]: `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
spec:
  replicas: 2
  template:
    metadata:
      annotations:
        prometheus.io/scrape: "true"
    spec:
      serviceAccountName: ${name}
      containers:${containers}
      volumes:
      - name: settings
        configMap:
          name: ${name}-settings
      - name: keys
        secret:
          secretName: ${name}-keys
`,
    [`base/${name}/service.yaml`]: `apiVersion: v1
kind: Service
metadata:
  name: ${name}
spec:
  ports:
  - port: 80
    targetPort: http-0
    name: http
`,
    [`base/${name}/ingress.yaml`]: `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: ${name}
spec:
  rules:
  - host: ${name}.example.com
    http:
      paths:
      - path: /
        pathType: Prefix
        backend:
          service:
            name: ${name}
            port:
              name: http
`,
    [`base/${name}/rbac.yaml`]: `apiVersion: v1
kind: ServiceAccount
metadata:
  name: ${name}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: ${name}
rules:
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, list, watch]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: ${name}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: ${name}
subjects:
- kind: ServiceAccount
  name: ${name}
`,
    [`base/${name}/scaling.yaml`]: `apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: ${name}
spec:
  minReplicas: 2
  maxReplicas: 10
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: ${name}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: ${name}
spec:
  minAvailable: 1
`,
  };
}

function components(): Record<string, string> {
  const files: Record<string, string> = {};
  for (const [name, patch] of [
    [
      'tracing',
      'spec: {template: {spec: {containers: [{name: main, env: [{name: TRACING, value: "on"}]}]}}}',
    ],
    [
      'spread',
      'spec: {template: {spec: {topologySpreadConstraints: [{topologyKey: zone, whenUnsatisfiable: DoNotSchedule, maxSkew: 1}]}}}',
    ],
    ['quiet', 'spec: {template: {spec: {containers: [{name: main, args: [--quiet]}]}}}'],
  ] as const)
    files[`components/${name}/kustomization.yaml`] = `apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
patches:
- target: {kind: Deployment}
  patch: |-
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: any}
    ${patch}
`;
  return files;
}

function overlay(path: string, app: string, cluster: number, seed: number): Record<string, string> {
  const component = ['tracing', 'spread', 'quiet', undefined, undefined, undefined][(cluster + seed) % 6];
  return {
    [`${path}/kustomization.yaml`]: `apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: team-${seed % 7}
nameSuffix: -${cluster % 2 === 0 ? 'a' : 'b'}
resources: [../../../base/${app}]
${component ? `components: [../../../components/${component}]\n` : ''}labels:
- pairs: {fleet.example.com/cluster: cluster-${cluster}}
images:
- name: registry.example.com/${app}
  newTag: 2.${cluster % 5}.${seed}
replicas:
- name: ${app}
  count: ${1 + (cluster % 4)}
configMapGenerator:
- name: ${app}-settings
  behavior: merge
  literals: [cluster=cluster-${cluster}, region=region-${cluster % 9}]
patches:
- path: resources.yaml
- target: {kind: Ingress}
  patch: |-
    - op: replace
      path: /spec/rules/0/host
      value: ${app}.cluster-${cluster}.example.com
`,
    [`${path}/resources.yaml`]: `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${app}
spec:
  template:
    spec:
      containers:
      - name: main
        resources:
          requests:
            cpu: ${100 + (cluster % 10) * 50}m
        env:
        - name: CLUSTER
          value: cluster-${cluster}
`,
  };
}
