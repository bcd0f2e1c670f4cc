import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Nkey } from '#proto/nkey.ts';
import { planted } from '#test/bed/planted.ts';

/** A fleet small enough to know by heart: what the end-to-end tests commit first. */
export const FLEET = `apiVersion: flotilla.dev/v1alpha1
kind: Fleet
metadata: { name: small }
spec: { branch: main, labels: { env: { required: true, enum: [staging, prod] } } }
`;

export const entry = (
  name: string,
  env: 'staging' | 'prod',
  key: Nkey,
  more = '',
) => `apiVersion: flotilla.dev/v1alpha1
kind: Cluster
metadata: { name: ${name}, labels: { env: ${env} } }
spec:
  agent: { publicKeys: [${key.publicKey}] }
  values: { greeting: hello from ${name} }
${more}`;

/** `web` is corrected, `books` is only reported. */
export const WEB = `apiVersion: flotilla.dev/v1alpha1
kind: Placement
metadata: { name: web }
spec:
  selector: {}
  path: apps/web
  namespace: web
  createNamespace: true
  values: { required: [greeting], optional: { replicas: 2 } }
`;
export const BOOKS = `apiVersion: flotilla.dev/v1alpha1
kind: Placement
metadata: { name: books }
spec:
  selector: {}
  path: apps/books
  namespace: books
  createNamespace: true
  drift: { mode: report }
`;

export const DEPLOYMENT = `apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: \${replicas}
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers:
        - name: web
          image: registry.example/web:1.0.0
          ports: [{ containerPort: 8080 }]
`;
export const SETTINGS = `apiVersion: v1
kind: ConfigMap
metadata: { name: settings }
data: { greeting: "\${greeting}", colour: blue }
`;
export const EXTRA = `apiVersion: v1
kind: ConfigMap
metadata: { name: extra }
data: { stays: "no" }
`;
const LEDGER = `apiVersion: v1
kind: ConfigMap
metadata: { name: ledger }
data: { year: "2026", state: open }
---
apiVersion: v1
kind: Secret
metadata: { name: books }
stringData: { password: ${JSON.stringify(planted('books'))} }
`;

export const kustomization = (...resources: string[]) => `apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [${resources.join(', ')}]
`;

export const BASE_FILES: Readonly<Record<string, string>> = {
  'flotilla.yaml': FLEET,
  'placements/web.yaml': WEB,
  'placements/books.yaml': BOOKS,
  'apps/web/kustomization.yaml': kustomization('deployment.yaml', 'settings.yaml', 'extra.yaml'),
  'apps/web/deployment.yaml': DEPLOYMENT,
  'apps/web/settings.yaml': SETTINGS,
  'apps/web/extra.yaml': EXTRA,
  'apps/books/kustomization.yaml': kustomization('ledger.yaml'),
  'apps/books/ledger.yaml': LEDGER,
};

/** Writes files (path → text) below a directory. */
export function writeFiles(directory: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text);
  }
}
