import { placementOf } from '../../test/integration/agent-lab.ts';

export const unitName = (index: number): string => `unit-${String(index).padStart(4, '0')}`;
export const unitNames = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => unitName(index));

/** What every unit has: of Flux's own benchmark. No pod runs: the engine is measured, not kubelets. */
export const base = (cpu: string): string => `apiVersion: apps/v1
kind: Deployment
metadata: { name: web, labels: { app: web } }
spec:
  replicas: 0
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      serviceAccountName: web
      containers:
        - name: web
          image: ghcr.io/example/web:1.0.0
          ports: [{ name: http, containerPort: 8080, protocol: TCP }]
          env: [{ name: MODE, value: plain }]
          resources: { requests: { cpu: ${cpu}, memory: 64Mi }, limits: { memory: 128Mi } }
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: web }
---
apiVersion: v1
kind: Service
metadata: { name: web, labels: { app: web } }
spec:
  selector: { app: web }
  ports: [{ name: http, port: 80, targetPort: http, protocol: TCP }]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: web }
spec:
  rules:
    - host: web.example.org
      http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: web, port: { number: 80 } } } }] }
`;

const kustomization = (resources: string, namespace?: string): string =>
  `apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [${resources}]\n${namespace ? `namespace: ${namespace}\n` : ''}`;

/** A fleet repo with so many placements, each in a namespace of its own name. */
export function unitFiles(count: number): Record<string, string> {
  const files: Record<string, string> = {
    'base/kustomization.yaml': kustomization('all.yaml'),
    'base/all.yaml': base('100m'),
  };
  for (const name of unitNames(count)) {
    files[`placements/${name}.yaml`] = placementOf(name);
    files[`apps/${name}/kustomization.yaml`] = kustomization('../../base', name);
  }
  return files;
}

/** One placement of so many ConfigMaps. */
export function largeFiles(name: string, count: number): Record<string, string> {
  const maps = Array.from(
    { length: count },
    (_, index) => `apiVersion: v1
kind: ConfigMap
metadata: { name: settings-${String(index).padStart(4, '0')} }
data: { index: "${index}", colour: blue }
`,
  );
  return {
    [`placements/${name}.yaml`]: placementOf(name),
    [`apps/${name}/kustomization.yaml`]: kustomization('all.yaml', name),
    [`apps/${name}/all.yaml`]: maps.join('---\n'),
  };
}
