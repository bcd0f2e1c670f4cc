/**
 * Types of Kubernetes 1.36: Pods and everything inside them. Notation in notation.ts. Made from the Go types of
 * k8s.io/api v0.36.3 (order of fields, what JSON leaves out) and the published OpenAPI document (lists, maps, patches)
 * by generate/main.go; the contract suite compares it with what a real server publishes.
 */
export const PODS = `
Pod kind:s@0 apiVersion:s@0 metadata:ObjectMeta! spec:PodSpec! status:PodStatus!
ObjectMeta name:s generateName:s namespace:s selfLink:s uid:s resourceVersion:s generation:i
  creationTimestamp:t deletionTimestamp:t? deletionGracePeriodSeconds:i? labels:s{} annotations:s{}
  ownerReferences:OwnerReference[uid] finalizers:s[=]~= managedFields:ManagedFieldsEntry[]@17
OwnerReference! apiVersion:s@5! kind:s@1! name:s@3! uid:s! controller:b@6? blockOwnerDeletion:b?
ManagedFieldsEntry manager:s operation:s apiVersion:s time:t? fieldsType:s@6 fieldsV1:j? subresource:s
PodSpec volumes:Volume[name]~retainKeys initContainers:Container[name]@20 containers:Container[name]@2!
  ephemeralContainers:EphemeralContainer[name]@34 restartPolicy:s@3 terminationGracePeriodSeconds:i?
  activeDeadlineSeconds:i? dnsPolicy:s nodeSelector:s{!} serviceAccountName:s serviceAccount:s
  automountServiceAccountToken:b@21? nodeName:s@10 hostNetwork:b hostPID:b hostIPC:b
  shareProcessNamespace:b@27? securityContext:PodSecurityContext@14?
  imagePullSecrets:LocalObjectReference[name] hostname:s subdomain:s affinity:Affinity? schedulerName:s
  tolerations:Toleration[]@22 hostAliases:HostAlias[ip] priorityClassName:s priority:i?
  dnsConfig:PodDNSConfig? readinessGates:PodReadinessGate[]@28 runtimeClassName:s? enableServiceLinks:b?
  preemptionPolicy:s? overhead:q{}
  topologySpreadConstraints:TopologySpreadConstraint[topologyKey,whenUnsatisfiable] setHostnameAsFQDN:b@35?
  os:PodOS? hostUsers:b? schedulingGates:PodSchedulingGate[name]
  resourceClaims:PodResourceClaim[name]~retainKeys resources:ResourceRequirements? hostnameOverride:s?
  schedulingGroup:PodSchedulingGroup@43?
Volume name:s! hostPath:HostPathVolumeSource@2.1? emptyDir:EmptyDirVolumeSource?
  gcePersistentDisk:GCEPersistentDiskVolumeSource? awsElasticBlockStore:AWSElasticBlockStoreVolumeSource?
  gitRepo:GitRepoVolumeSource? secret:SecretVolumeSource? nfs:NFSVolumeSource? iscsi:ISCSIVolumeSource?
  glusterfs:GlusterfsVolumeSource? persistentVolumeClaim:PersistentVolumeClaimVolumeSource?
  rbd:RBDVolumeSource? flexVolume:FlexVolumeSource? cinder:CinderVolumeSource? cephfs:CephFSVolumeSource?
  flocker:FlockerVolumeSource? downwardAPI:DownwardAPIVolumeSource? fc:FCVolumeSource?
  azureFile:AzureFileVolumeSource? configMap:ConfigMapVolumeSource?
  vsphereVolume:VsphereVirtualDiskVolumeSource? quobyte:QuobyteVolumeSource? azureDisk:AzureDiskVolumeSource?
  photonPersistentDisk:PhotonPersistentDiskVolumeSource? projected:ProjectedVolumeSource@2.26?
  portworxVolume:PortworxVolumeSource@2.24? scaleIO:ScaleIOVolumeSource? storageos:StorageOSVolumeSource@2.27?
  csi:CSIVolumeSource? ephemeral:EphemeralVolumeSource? image:ImageVolumeSource?
HostPathVolumeSource path:s! type:s?
EmptyDirVolumeSource medium:s sizeLimit:q?
GCEPersistentDiskVolumeSource pdName:s! fsType:s partition:i readOnly:b
AWSElasticBlockStoreVolumeSource volumeID:s! fsType:s partition:i readOnly:b
GitRepoVolumeSource repository:s! revision:s directory:s
SecretVolumeSource secretName:s items:KeyToPath[] defaultMode:i? optional:b?
KeyToPath key:s! path:s! mode:i?
NFSVolumeSource server:s! path:s! readOnly:b
ISCSIVolumeSource targetPortal:s! iqn:s! lun:i! iscsiInterface:s=default fsType:s readOnly:b portals:s[]
  chapAuthDiscovery:b chapAuthSession:b@11 secretRef:LocalObjectReference@10? initiatorName:s@12?
LocalObjectReference! name:s
GlusterfsVolumeSource endpoints:s! path:s! readOnly:b
PersistentVolumeClaimVolumeSource claimName:s! readOnly:b
RBDVolumeSource monitors:s[]! image:s! fsType:s pool:s=rbd user:s=admin keyring:s=/etc/ceph/keyring
  secretRef:LocalObjectReference? readOnly:b
FlexVolumeSource driver:s! fsType:s secretRef:LocalObjectReference? readOnly:b options:s{}
CinderVolumeSource volumeID:s! fsType:s readOnly:b secretRef:LocalObjectReference?
CephFSVolumeSource monitors:s[]! path:s user:s secretFile:s secretRef:LocalObjectReference? readOnly:b
FlockerVolumeSource datasetName:s datasetUUID:s
DownwardAPIVolumeSource items:DownwardAPIVolumeFile[] defaultMode:i?
DownwardAPIVolumeFile path:s! fieldRef:ObjectFieldSelector? resourceFieldRef:ResourceFieldSelector? mode:i?
ObjectFieldSelector! apiVersion:s fieldPath:s!
ResourceFieldSelector! containerName:s resource:s! divisor:q!
FCVolumeSource targetWWNs:s[] lun:i? fsType:s readOnly:b wwids:s[]
AzureFileVolumeSource secretName:s! shareName:s! readOnly:b
ConfigMapVolumeSource name:s@1.1 items:KeyToPath[]@2 defaultMode:i? optional:b?
VsphereVirtualDiskVolumeSource volumePath:s! fsType:s storagePolicyName:s storagePolicyID:s
QuobyteVolumeSource registry:s! volume:s! readOnly:b user:s group:s tenant:s
AzureDiskVolumeSource diskName:s! diskURI:s! cachingMode:s?=ReadWrite fsType:s?=ext4 readOnly:b?
  kind:s?=Shared
PhotonPersistentDiskVolumeSource pdID:s! fsType:s
ProjectedVolumeSource sources:VolumeProjection[]! defaultMode:i?
VolumeProjection secret:SecretProjection? downwardAPI:DownwardAPIProjection? configMap:ConfigMapProjection?
  serviceAccountToken:ServiceAccountTokenProjection? clusterTrustBundle:ClusterTrustBundleProjection?
  podCertificate:PodCertificateProjection?
SecretProjection name:s@1.1 items:KeyToPath[]@2 optional:b@4?
DownwardAPIProjection items:DownwardAPIVolumeFile[]
ConfigMapProjection name:s@1.1 items:KeyToPath[]@2 optional:b@4?
ServiceAccountTokenProjection audience:s expirationSeconds:i? path:s!
ClusterTrustBundleProjection name:s? signerName:s? labelSelector:LabelSelector? optional:b@5? path:s@4!
LabelSelector! matchLabels:s{} matchExpressions:LabelSelectorRequirement[]
LabelSelectorRequirement key:s! operator:s! values:s[]
PodCertificateProjection signerName:s keyType:s maxExpirationSeconds:i? credentialBundlePath:s keyPath:s
  certificateChainPath:s userAnnotations:s{}
PortworxVolumeSource volumeID:s! fsType:s readOnly:b
ScaleIOVolumeSource gateway:s! system:s! secretRef:LocalObjectReference?! sslEnabled:b protectionDomain:s
  storagePool:s storageMode:s=ThinProvisioned volumeName:s fsType:s=xfs readOnly:b
StorageOSVolumeSource volumeName:s volumeNamespace:s fsType:s readOnly:b secretRef:LocalObjectReference?
CSIVolumeSource driver:s! readOnly:b? fsType:s? volumeAttributes:s{}
  nodePublishSecretRef:LocalObjectReference?
EphemeralVolumeSource volumeClaimTemplate:PersistentVolumeClaimTemplate?
PersistentVolumeClaimTemplate metadata:ObjectMeta! spec:PersistentVolumeClaimSpec!
PersistentVolumeClaimSpec accessModes:s[] selector:LabelSelector@4? resources:VolumeResourceRequirements@2!
  volumeName:s storageClassName:s@5? volumeMode:s? dataSource:TypedLocalObjectReference?
  dataSourceRef:TypedObjectReference? volumeAttributesClassName:s?
VolumeResourceRequirements limits:q{} requests:q{}
TypedLocalObjectReference! apiGroup:s?! kind:s! name:s!
TypedObjectReference apiGroup:s?! kind:s! name:s! namespace:s?
ImageVolumeSource reference:s pullPolicy:s
Container name:s! image:s command:s[] args:s[] workingDir:s ports:ContainerPort[containerPort,protocol]
  envFrom:EnvFromSource[]@19 env:EnvVar[name]@7 resources:ResourceRequirements!
  resizePolicy:ContainerResizePolicy[]@23 restartPolicy:s? restartPolicyRules:ContainerRestartRule[]
  volumeMounts:VolumeMount[mountPath]@9 volumeDevices:VolumeDevice[devicePath]@21 livenessProbe:Probe@10?
  readinessProbe:Probe? startupProbe:Probe@22? lifecycle:Lifecycle@12? terminationMessagePath:s
  terminationMessagePolicy:s@20 imagePullPolicy:s@14 securityContext:SecurityContext? stdin:b stdinOnce:b
  tty:b
ContainerPort name:s hostPort:i containerPort:i! protocol:s=TCP hostIP:s
EnvFromSource prefix:s configMapRef:ConfigMapEnvSource? secretRef:SecretEnvSource?
ConfigMapEnvSource name:s@1.1 optional:b@2?
SecretEnvSource name:s@1.1 optional:b@2?
EnvVar name:s! value:s valueFrom:EnvVarSource?
EnvVarSource fieldRef:ObjectFieldSelector? resourceFieldRef:ResourceFieldSelector?
  configMapKeyRef:ConfigMapKeySelector? secretKeyRef:SecretKeySelector? fileKeyRef:FileKeySelector?
ConfigMapKeySelector! name:s@1.1 key:s@2! optional:b?
SecretKeySelector! name:s@1.1 key:s@2! optional:b?
FileKeySelector! volumeName:s! path:s! key:s! optional:b?
ResourceRequirements limits:q{} requests:q{} claims:ResourceClaim[name]~
ResourceClaim name:s! request:s
ContainerResizePolicy resourceName:s! restartPolicy:s!
ContainerRestartRule action:s exitCodes:ContainerRestartRuleOnExitCodes?
ContainerRestartRuleOnExitCodes operator:s values:i[=]
VolumeMount name:s! readOnly:b recursiveReadOnly:s@7? mountPath:s@3! subPath:s mountPropagation:s?
  subPathExpr:s
VolumeDevice name:s! devicePath:s!
Probe exec:ExecAction@1.1? httpGet:HTTPGetAction? tcpSocket:TCPSocketAction? grpc:GRPCAction?
  initialDelaySeconds:i@2 timeoutSeconds:i periodSeconds:i successThreshold:i failureThreshold:i
  terminationGracePeriodSeconds:i?
ExecAction command:s[]
HTTPGetAction path:s port:x! host:s scheme:s httpHeaders:HTTPHeader[]
HTTPHeader name:s! value:s!
TCPSocketAction port:x! host:s
GRPCAction port:i! service:s?!
Lifecycle postStart:LifecycleHandler? preStop:LifecycleHandler? stopSignal:s?
LifecycleHandler exec:ExecAction? httpGet:HTTPGetAction? tcpSocket:TCPSocketAction? sleep:SleepAction?
SleepAction seconds:i!
SecurityContext capabilities:Capabilities? privileged:b? seLinuxOptions:SELinuxOptions?
  windowsOptions:WindowsSecurityContextOptions@10? runAsUser:i@4? runAsGroup:i@8? runAsNonRoot:b@5?
  readOnlyRootFilesystem:b? allowPrivilegeEscalation:b? procMount:s@9? seccompProfile:SeccompProfile@11?
  appArmorProfile:AppArmorProfile?
Capabilities add:s[] drop:s[]
SELinuxOptions user:s role:s type:s level:s
WindowsSecurityContextOptions gmsaCredentialSpecName:s? gmsaCredentialSpec:s? runAsUserName:s? hostProcess:b?
SeccompProfile type:s! localhostProfile:s?
AppArmorProfile type:s! localhostProfile:s?
EphemeralContainer name:s@1.1! image:s command:s[] args:s[] workingDir:s
  ports:ContainerPort[containerPort,protocol] envFrom:EnvFromSource[]@1.19 env:EnvVar[name]@1.7
  resources:ResourceRequirements! resizePolicy:ContainerResizePolicy[]@1.23 restartPolicy:s?
  restartPolicyRules:ContainerRestartRule[] volumeMounts:VolumeMount[mountPath]@1.9
  volumeDevices:VolumeDevice[devicePath]@1.21 livenessProbe:Probe@1.10? readinessProbe:Probe?
  startupProbe:Probe@1.22? lifecycle:Lifecycle@1.12? terminationMessagePath:s terminationMessagePolicy:s@1.20
  imagePullPolicy:s@1.14 securityContext:SecurityContext? stdin:b stdinOnce:b tty:b targetContainerName:s@2
PodSecurityContext seLinuxOptions:SELinuxOptions? windowsOptions:WindowsSecurityContextOptions@8?
  runAsUser:i@2? runAsGroup:i@6? runAsNonRoot:b@3? supplementalGroups:i[] supplementalGroupsPolicy:s@12?
  fsGroup:i@5? sysctls:Sysctl[]@7 fsGroupChangePolicy:s@9? seccompProfile:SeccompProfile?
  appArmorProfile:AppArmorProfile? seLinuxChangePolicy:s@13?
Sysctl name:s! value:s!
Affinity nodeAffinity:NodeAffinity? podAffinity:PodAffinity? podAntiAffinity:PodAntiAffinity?
NodeAffinity requiredDuringSchedulingIgnoredDuringExecution:NodeSelector?
  preferredDuringSchedulingIgnoredDuringExecution:PreferredSchedulingTerm[]
NodeSelector! nodeSelectorTerms:NodeSelectorTerm[]!
NodeSelectorTerm! matchExpressions:NodeSelectorRequirement[] matchFields:NodeSelectorRequirement[]
NodeSelectorRequirement key:s! operator:s! values:s[]
PreferredSchedulingTerm weight:i! preference:NodeSelectorTerm!
PodAffinity requiredDuringSchedulingIgnoredDuringExecution:PodAffinityTerm[]
  preferredDuringSchedulingIgnoredDuringExecution:WeightedPodAffinityTerm[]
PodAffinityTerm labelSelector:LabelSelector? namespaces:s[] topologyKey:s! namespaceSelector:LabelSelector?
  matchLabelKeys:s[] mismatchLabelKeys:s[]
WeightedPodAffinityTerm weight:i! podAffinityTerm:PodAffinityTerm!
PodAntiAffinity requiredDuringSchedulingIgnoredDuringExecution:PodAffinityTerm[]
  preferredDuringSchedulingIgnoredDuringExecution:WeightedPodAffinityTerm[]
Toleration key:s operator:s value:s effect:s tolerationSeconds:i?
HostAlias ip:s! hostnames:s[]
PodDNSConfig nameservers:s[] searches:s[] options:PodDNSConfigOption[]
PodDNSConfigOption name:s value:s?
PodReadinessGate conditionType:s!
TopologySpreadConstraint maxSkew:i! topologyKey:s! whenUnsatisfiable:s! labelSelector:LabelSelector?
  minDomains:i? nodeAffinityPolicy:s? nodeTaintsPolicy:s? matchLabelKeys:s[]
PodOS name:s!
PodSchedulingGate name:s!
PodResourceClaim name:s! resourceClaimName:s@3? resourceClaimTemplateName:s?
PodSchedulingGroup podGroupName:s?
PodStatus observedGeneration:i@17 phase:s@1 conditions:PodCondition[type] message:s reason:s
  nominatedNodeName:s@11 hostIP:s@5 hostIPs:HostIP[]@16~ip podIP:s@6 podIPs:PodIP[ip]@12 startTime:t@7?
  initContainerStatuses:ContainerStatus[]@10 containerStatuses:ContainerStatus[]@8 qosClass:s
  ephemeralContainerStatuses:ContainerStatus[]@13 resize:s
  resourceClaimStatuses:PodResourceClaimStatus[name]~retainKeys
  extendedResourceClaimStatus:PodExtendedResourceClaimStatus@18? allocatedResources:q{}
  resources:ResourceRequirements? nodeAllocatableResourceClaimStatuses:NodeAllocatableResourceClaimStatus[]
PodCondition type:s! observedGeneration:i@7 status:s@2! lastProbeTime:t! lastTransitionTime:t! reason:s
  message:s
HostIP ip:s!
PodIP ip:s!
ContainerStatus name:s! state:ContainerState! lastState:ContainerState! ready:b! restartCount:i! image:s!
  imageID:s! containerID:s started:b? allocatedResources:q{} resources:ResourceRequirements?
  volumeMounts:VolumeMountStatus[mountPath] user:ContainerUser? allocatedResourcesStatus:ResourceStatus[name]
  stopSignal:s?
ContainerState waiting:ContainerStateWaiting? running:ContainerStateRunning?
  terminated:ContainerStateTerminated?
ContainerStateWaiting reason:s message:s
ContainerStateRunning startedAt:t!
ContainerStateTerminated exitCode:i! signal:i reason:s message:s startedAt:t! finishedAt:t! containerID:s
VolumeMountStatus name:s! mountPath:s! readOnly:b recursiveReadOnly:s? volumeStatus:VolumeStatus?
VolumeStatus image:ImageVolumeStatus?
ImageVolumeStatus imageRef:s
ContainerUser linux:LinuxContainerUser?
LinuxContainerUser uid:i! gid:i! supplementalGroups:i[]
ResourceStatus name:s! resources:ResourceHealth[resourceID]~
ResourceHealth resourceID:s! health:s message:s@6?
PodResourceClaimStatus name:s! resourceClaimName:s?
PodExtendedResourceClaimStatus requestMappings:ContainerExtendedResourceRequest[]! resourceClaimName:s!
ContainerExtendedResourceRequest containerName:s! resourceName:s! requestName:s!
NodeAllocatableResourceClaimStatus resourceClaimName:s! containers:s[=] resources:q{}!
`;
