import { parseAllDocuments } from 'yaml';
import type { JsonObject } from '#sim/json.ts';

/**
 * One plausible object of every built-in kind the simulation knows, as people write them: little is set, so that
 * defaulting shows. All are namespaced `default` or cluster-scoped, named `sample`.
 */
export const SAMPLES: readonly JsonObject[] = parseAllDocuments(`
apiVersion: v1
kind: Namespace
metadata: { name: sample, labels: { team: a } }
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: sample }
automountServiceAccountToken: false
imagePullSecrets: [{ name: regcred }]
---
apiVersion: v1
kind: ConfigMap
metadata: { name: sample, annotations: { note: hello } }
data: { a: "1", empty: "" }
binaryData: { b: AQI= }
---
apiVersion: v1
kind: Secret
metadata: { name: sample }
stringData: { password: hunter2 }
data: { user: YWRtaW4= }
---
apiVersion: v1
kind: Service
metadata: { name: sample }
spec:
  selector: { app: sample }
  ports:
    - { name: http, port: 80 }
    - { name: dns, port: 53, protocol: UDP, targetPort: dns }
---
apiVersion: v1
kind: Service
metadata: { name: sample-headless }
spec: { clusterIP: None, selector: { app: sample }, ports: [{ port: 80, targetPort: 8080 }] }
---
apiVersion: v1
kind: Service
metadata: { name: sample-external }
spec: { type: ExternalName, externalName: example.org }
---
apiVersion: v1
kind: Pod
metadata: { name: sample }
spec:
  initContainers: [{ name: init, image: "busybox:1.36" }]
  containers:
    - name: main
      image: registry.example/app:1.2
      resources: { requests: { cpu: 1000m, memory: 1024Mi }, limits: { cpu: 1.5, memory: 2Gi } }
      ports: [{ containerPort: 8080 }]
      env: [{ name: NODE, valueFrom: { fieldRef: { fieldPath: spec.nodeName } } }, { name: EMPTY, value: "" }]
      livenessProbe: { httpGet: { port: 8080 } }
      readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 3 }
      volumeMounts: [{ name: tmp, mountPath: /tmp }, { name: cfg, mountPath: /cfg }]
  volumes:
    - { name: tmp, emptyDir: {} }
    - { name: cfg, configMap: { name: sample } }
---
apiVersion: v1
kind: Event
metadata: { name: sample }
involvedObject: { kind: Pod, name: sample, namespace: default }
reason: Tested
message: hello
type: Normal
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: sample }
spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1024Mi } } }
---
apiVersion: v1
kind: ResourceQuota
metadata: { name: sample }
spec: { hard: { pods: 10, limits.cpu: "4000m" } }
---
apiVersion: v1
kind: LimitRange
metadata: { name: sample }
spec: { limits: [{ type: Container, default: { cpu: 500m }, max: { cpu: "2" } }] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: sample }
spec:
  selector: { matchLabels: { app: sample } }
  template:
    metadata: { labels: { app: sample } }
    spec:
      serviceAccountName: sample
      containers: [{ name: main, image: "app:latest", ports: [{ name: http, containerPort: 80 }] }]
      volumes: [{ name: s, secret: { secretName: sample } }, { name: p, projected: { sources: [{ configMap: { name: x } }] } }]
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: { name: sample }
spec:
  selector: { matchLabels: { app: sample-rs } }
  template: { metadata: { labels: { app: sample-rs } }, spec: { containers: [{ name: main, image: "app:1" }] } }
---
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: sample }
spec:
  serviceName: sample
  selector: { matchLabels: { app: sample-sts } }
  template: { metadata: { labels: { app: sample-sts } }, spec: { containers: [{ name: main, image: "app:1" }] } }
  volumeClaimTemplates:
    - { metadata: { name: data }, spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Gi } } } }
---
apiVersion: apps/v1
kind: DaemonSet
metadata: { name: sample }
spec:
  selector: { matchLabels: { app: sample-ds } }
  template: { metadata: { labels: { app: sample-ds } }, spec: { hostNetwork: true, containers: [{ name: main, image: "app:1", ports: [{ containerPort: 9100 }] }] } }
---
apiVersion: batch/v1
kind: Job
metadata: { name: sample }
spec:
  template: { spec: { restartPolicy: Never, containers: [{ name: main, image: "app:1" }] } }
---
apiVersion: batch/v1
kind: CronJob
metadata: { name: sample }
spec:
  schedule: "*/5 * * * *"
  jobTemplate: { spec: { template: { spec: { restartPolicy: OnFailure, containers: [{ name: main, image: "app:1" }] } } } }
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: sample }
spec:
  rules:
    - host: a.example
      http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: sample, port: { number: 80 } } } }] }
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: sample }
spec:
  podSelector: {}
  ingress: [{ from: [{ namespaceSelector: {} }], ports: [{ port: 80 }] }]
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: { name: sample }
spec: { controller: example.org/ingress }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: sample }
rules: [{ apiGroups: [""], resources: [pods], verbs: [get] }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: sample }
rules: [{ nonResourceURLs: [/metrics], verbs: [get] }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: sample-aggregated }
aggregationRule: { clusterRoleSelectors: [{ matchLabels: { none: such } }] }
rules: []
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: sample }
roleRef: { kind: Role, name: sample, apiGroup: rbac.authorization.k8s.io }
subjects: [{ kind: ServiceAccount, name: sample, namespace: default }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: sample }
roleRef: { kind: ClusterRole, name: sample, apiGroup: rbac.authorization.k8s.io }
subjects: [{ kind: User, name: jo }, { kind: Group, name: devs }]
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: sample }
spec:
  maxReplicas: 4
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: sample }
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: { name: sample }
spec: { minAvailable: 1, selector: { matchLabels: { app: sample } } }
---
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: { name: sample }
value: 1000
---
apiVersion: coordination.k8s.io/v1
kind: Lease
metadata: { name: sample }
spec: { holderIdentity: me, leaseDurationSeconds: 15, renewTime: "2026-01-02T03:04:05.000006Z" }
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: { name: sample }
provisioner: example.org/disk
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: { name: sample }
webhooks:
  - name: a.example.org
    admissionReviewVersions: [v1]
    sideEffects: None
    failurePolicy: Ignore
    clientConfig: { url: "https://127.0.0.1:1/x" }
    rules: [{ apiGroups: [none.example.org], apiVersions: [v1], operations: [CREATE], resources: [nothings] }]
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: samples.example.org }
spec:
  group: example.org
  scope: Namespaced
  names: { plural: samples, kind: Sample }
  versions:
    - name: v1
      served: true
      storage: true
      schema: { openAPIV3Schema: { type: object, properties: { spec: { type: object, x-kubernetes-preserve-unknown-fields: true } } } }
`).map((document) => document.toJS() as JsonObject);
