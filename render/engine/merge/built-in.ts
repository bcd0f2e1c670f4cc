/**
 * What the schema inside kustomize 5.5 (OpenAPI of Kubernetes 1.21.2) says that changes a rendering: which lists merge by which
 * keys, and which kinds stand outside of namespaces. Only fields are kept from which such a list can be reached; lists that merge
 * by no key hold plain values. Source: kubernetes-sigs/kustomize kyaml v0.18.1, openapi/kubernetesapi and openapi.go (Apache-2.0).
 */

/** `Definition field[key,key]:ElementDefinition field:Definition …`, one definition a line. */
export const DEFINITIONS = `
APIService metadata:ObjectMeta status:APIServiceStatus
APIServiceStatus conditions[type]
CSINode metadata:ObjectMeta spec:CSINodeSpec
CSINodeSpec drivers[name]
ComponentStatus conditions[type] metadata:ObjectMeta
Container env[name] ports[containerPort,protocol] volumeDevices[devicePath] volumeMounts[mountPath]
CronJob metadata:ObjectMeta spec:CronJobSpec
CronJobSpec jobTemplate:JobTemplateSpec
DaemonSet metadata:ObjectMeta spec:DaemonSetSpec status:DaemonSetStatus
DaemonSetSpec template:PodTemplateSpec
DaemonSetStatus conditions[type]
Deployment metadata:ObjectMeta spec:DeploymentSpec status:DeploymentStatus
DeploymentSpec template:PodTemplateSpec
DeploymentStatus conditions[type]
EphemeralContainer env[name] volumeDevices[devicePath] volumeMounts[mountPath]
EphemeralVolumeSource volumeClaimTemplate:Metadata
Job metadata:ObjectMeta spec:JobSpec status:JobStatus
JobSpec template:PodTemplateSpec
JobStatus conditions[type]
JobTemplateSpec metadata:ObjectMeta spec:JobSpec
Kustomization configMapGenerator[name] secretGenerator[name]
Metadata metadata:ObjectMeta
MutatingWebhookConfiguration metadata:ObjectMeta webhooks[name]
Namespace metadata:ObjectMeta status:NamespaceStatus
NamespaceStatus conditions[type]
Node metadata:ObjectMeta spec:NodeSpec status:NodeStatus
NodeSpec podCIDRs[]
NodeStatus addresses[type] conditions[type]
ObjectMeta finalizers[] ownerReferences[uid]
PersistentVolumeClaim metadata:ObjectMeta status:PersistentVolumeClaimStatus
PersistentVolumeClaimStatus conditions[type]
Pod metadata:ObjectMeta spec:PodSpec status:PodStatus
PodDisruptionBudget metadata:ObjectMeta status:PodDisruptionBudgetStatus
PodDisruptionBudgetStatus conditions[type]
PodSpec containers[name]:Container ephemeralContainers[name]:EphemeralContainer hostAliases[ip] imagePullSecrets[name] initContainers[name]:Container topologySpreadConstraints[topologyKey,whenUnsatisfiable] volumes[name]:Volume
PodStatus conditions[type] podIPs[ip]
PodTemplate metadata:ObjectMeta template:PodTemplateSpec
PodTemplateSpec metadata:ObjectMeta spec:PodSpec
ReplicaSet metadata:ObjectMeta spec:ReplicaSetSpec status:ReplicaSetStatus
ReplicaSetSpec template:PodTemplateSpec
ReplicaSetStatus conditions[type]
ReplicationController metadata:ObjectMeta spec:ReplicationControllerSpec status:ReplicationControllerStatus
ReplicationControllerSpec template:PodTemplateSpec
ReplicationControllerStatus conditions[type]
Service metadata:ObjectMeta spec:ServiceSpec status:ServiceStatus
ServiceAccount metadata:ObjectMeta secrets[name]
ServiceSpec ports[port,protocol]
ServiceStatus conditions[type]
StatefulSet metadata:ObjectMeta spec:StatefulSetSpec status:StatefulSetStatus
StatefulSetSpec template:PodTemplateSpec
StatefulSetStatus conditions[type]
ValidatingWebhookConfiguration metadata:ObjectMeta webhooks[name]
Volume ephemeral:EphemeralVolumeSource
`;

/** `apiVersion Kind Kind:Definition …`; a kind without a definition has that of its own name. */
export const KINDS = `
admissionregistration.k8s.io/v1 MutatingWebhookConfiguration ValidatingWebhookConfiguration
admissionregistration.k8s.io/v1beta1 MutatingWebhookConfiguration ValidatingWebhookConfiguration
apiextensions.k8s.io/v1 CustomResourceDefinition:Metadata
apiextensions.k8s.io/v1beta1 CustomResourceDefinition:Metadata
apiregistration.k8s.io/v1 APIService
apiregistration.k8s.io/v1beta1 APIService
apps/v1 DaemonSet Deployment ReplicaSet StatefulSet ControllerRevision:Metadata
authentication.k8s.io/v1 TokenRequest:Metadata TokenReview:Metadata
authentication.k8s.io/v1beta1 TokenReview:Metadata
authorization.k8s.io/v1 LocalSubjectAccessReview:Metadata SelfSubjectAccessReview:Metadata SelfSubjectRulesReview:Metadata SubjectAccessReview:Metadata
authorization.k8s.io/v1beta1 LocalSubjectAccessReview:Metadata SelfSubjectAccessReview:Metadata SelfSubjectRulesReview:Metadata SubjectAccessReview:Metadata
autoscaling/v1 HorizontalPodAutoscaler:Metadata Scale:Metadata
autoscaling/v2beta1 HorizontalPodAutoscaler:Metadata
autoscaling/v2beta2 HorizontalPodAutoscaler:Metadata
batch/v1 CronJob Job
batch/v1beta1 CronJob
certificates.k8s.io/v1 CertificateSigningRequest:Metadata
certificates.k8s.io/v1beta1 CertificateSigningRequest:Metadata
coordination.k8s.io/v1 Lease:Metadata
coordination.k8s.io/v1beta1 Lease:Metadata
discovery.k8s.io/v1 EndpointSlice:Metadata
discovery.k8s.io/v1beta1 EndpointSlice:Metadata
events.k8s.io/v1 Event:Metadata
events.k8s.io/v1beta1 Event:Metadata
extensions/v1beta1 Ingress:Metadata
flowcontrol.apiserver.k8s.io/v1beta1 FlowSchema:Metadata PriorityLevelConfiguration:Metadata
kustomize.config.k8s.io/v1beta1 Kustomization
networking.k8s.io/v1 Ingress:Metadata IngressClass:Metadata NetworkPolicy:Metadata
networking.k8s.io/v1beta1 Ingress:Metadata IngressClass:Metadata
node.k8s.io/v1 RuntimeClass:Metadata
node.k8s.io/v1beta1 RuntimeClass:Metadata
policy/v1 PodDisruptionBudget
policy/v1beta1 PodDisruptionBudget Eviction:Metadata PodSecurityPolicy:Metadata
rbac.authorization.k8s.io/v1 ClusterRole:Metadata ClusterRoleBinding:Metadata Role:Metadata RoleBinding:Metadata
rbac.authorization.k8s.io/v1beta1 ClusterRole:Metadata ClusterRoleBinding:Metadata Role:Metadata RoleBinding:Metadata
scheduling.k8s.io/v1 PriorityClass:Metadata
scheduling.k8s.io/v1beta1 PriorityClass:Metadata
storage.k8s.io/v1 CSINode CSIDriver:Metadata StorageClass:Metadata VolumeAttachment:Metadata
storage.k8s.io/v1beta1 CSINode CSIDriver:Metadata CSIStorageCapacity:Metadata StorageClass:Metadata VolumeAttachment:Metadata
v1 ComponentStatus Namespace Node PersistentVolumeClaim Pod PodTemplate ReplicationController Service ServiceAccount Binding:Metadata ConfigMap:Metadata Endpoints:Metadata Event:Metadata LimitRange:Metadata PersistentVolume:Metadata ResourceQuota:Metadata Secret:Metadata
`;

/** Kinds outside of namespaces: `apiVersion Kind …`. */
export const CLUSTER_KINDS = `
admissionregistration.k8s.io/v1 MutatingWebhookConfiguration ValidatingWebhookConfiguration
admissionregistration.k8s.io/v1beta1 MutatingWebhookConfiguration ValidatingWebhookConfiguration
apiextensions.k8s.io/v1 CustomResourceDefinition
apiextensions.k8s.io/v1beta1 CustomResourceDefinition
apiregistration.k8s.io/v1 APIService
apiregistration.k8s.io/v1beta1 APIService
certificates.k8s.io/v1 CertificateSigningRequest
certificates.k8s.io/v1beta1 CertificateSigningRequest
flowcontrol.apiserver.k8s.io/v1beta1 FlowSchema PriorityLevelConfiguration
networking.k8s.io/v1 IngressClass
networking.k8s.io/v1beta1 IngressClass
node.k8s.io/v1 RuntimeClass
node.k8s.io/v1beta1 RuntimeClass
policy/v1beta1 PodSecurityPolicy
rbac.authorization.k8s.io/v1 ClusterRole ClusterRoleBinding
rbac.authorization.k8s.io/v1beta1 ClusterRole ClusterRoleBinding
scheduling.k8s.io/v1 PriorityClass
scheduling.k8s.io/v1beta1 PriorityClass
storage.k8s.io/v1 CSIDriver CSINode StorageClass VolumeAttachment
storage.k8s.io/v1beta1 CSIDriver CSINode StorageClass VolumeAttachment
v1 ComponentStatus Namespace Node NodeProxyOptions PersistentVolume
`;

/** Kinds inside of namespaces; no other schema can change what is said of either. */
export const NAMESPACED_KINDS = `
apps/v1 ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet
autoscaling/v1 HorizontalPodAutoscaler Scale
autoscaling/v2beta1 HorizontalPodAutoscaler
autoscaling/v2beta2 HorizontalPodAutoscaler
batch/v1 CronJob Job
batch/v1beta1 CronJob
coordination.k8s.io/v1 Lease
coordination.k8s.io/v1beta1 Lease
discovery.k8s.io/v1 EndpointSlice
discovery.k8s.io/v1beta1 EndpointSlice
events.k8s.io/v1 Event
events.k8s.io/v1beta1 Event
extensions/v1beta1 Ingress
networking.k8s.io/v1 Ingress NetworkPolicy
networking.k8s.io/v1beta1 Ingress
policy/v1 PodDisruptionBudget
policy/v1beta1 PodDisruptionBudget
rbac.authorization.k8s.io/v1 Role RoleBinding
rbac.authorization.k8s.io/v1beta1 Role RoleBinding
storage.k8s.io/v1beta1 CSIStorageCapacity
v1 ConfigMap Endpoints Event LimitRange PersistentVolumeClaim Pod PodAttachOptions PodExecOptions PodPortForwardOptions PodProxyOptions PodTemplate ReplicationController ResourceQuota Secret Service ServiceAccount ServiceProxyOptions
`;
