/**
 * Types of Kubernetes 1.36: the other kinds of the core group. Notation in notation.ts. Made from the Go types of
 * k8s.io/api v0.36.3 (order of fields, what JSON leaves out) and the published OpenAPI document (lists, maps, patches)
 * by generate/main.go; the contract suite compares it with what a real server publishes.
 */
export const CORE = `
Namespace kind:s@0 apiVersion:s@0 metadata:ObjectMeta! spec:NamespaceSpec! status:NamespaceStatus!
NamespaceSpec finalizers:s[]
NamespaceStatus phase:s conditions:NamespaceCondition[type]
NamespaceCondition type:s! status:s! lastTransitionTime:t@4! reason:s message:s
ServiceAccount kind:s@0 apiVersion:s@0 metadata:ObjectMeta! secrets:ObjectReference[name]
  imagePullSecrets:LocalObjectReference[] automountServiceAccountToken:b?
ObjectReference! kind:s namespace:s name:s uid:s apiVersion:s resourceVersion:s fieldPath:s
ConfigMap kind:s@0 apiVersion:s@0 metadata:ObjectMeta! immutable:b@4? data:s{}@2 binaryData:d{}
Secret kind:s@0 apiVersion:s@0 metadata:ObjectMeta! immutable:b@5? data:d{}@2 stringData:s{}@4 type:s@3
Service kind:s@0 apiVersion:s@0 metadata:ObjectMeta! spec:ServiceSpec! status:ServiceStatus!
ServiceSpec ports:ServicePort[port,protocol] selector:s{!} clusterIP:s clusterIPs:s[]@18 type:s@4
  externalIPs:s[] sessionAffinity:s@7 loadBalancerIP:s loadBalancerSourceRanges:s[] externalName:s
  externalTrafficPolicy:s healthCheckNodePort:i publishNotReadyAddresses:b
  sessionAffinityConfig:SessionAffinityConfig? ipFamilies:s[]@19 ipFamilyPolicy:s@17?
  allocateLoadBalancerNodePorts:b@20? loadBalancerClass:s? internalTrafficPolicy:s? trafficDistribution:s?
ServicePort name:s protocol:s=TCP appProtocol:s@6? port:i@3! targetPort:x! nodePort:i
SessionAffinityConfig clientIP:ClientIPConfig?
ClientIPConfig timeoutSeconds:i?
ServiceStatus loadBalancer:LoadBalancerStatus! conditions:Condition[type]
LoadBalancerStatus ingress:LoadBalancerIngress[]
LoadBalancerIngress ip:s hostname:s ipMode:s? ports:PortStatus[]
PortStatus port:i! protocol:s! error:s?
Condition type:s! status:s! observedGeneration:i lastTransitionTime:t! reason:s! message:s!
Event kind:s@0 apiVersion:s@0 metadata:ObjectMeta! involvedObject:ObjectReference! reason:s message:s
  source:EventSource! firstTimestamp:t! lastTimestamp:t! count:i type:s eventTime:u! series:EventSeries?
  action:s related:ObjectReference? reportingComponent:s! reportingInstance:s!
EventSource component:s host:s
EventSeries count:i lastObservedTime:u!
PersistentVolumeClaim kind:s@0 apiVersion:s@0 metadata:ObjectMeta! spec:PersistentVolumeClaimSpec!
  status:PersistentVolumeClaimStatus!
PersistentVolumeClaimStatus phase:s accessModes:s[] capacity:q{}
  conditions:PersistentVolumeClaimCondition[type] allocatedResources:q{} allocatedResourceStatuses:s{}@7
  currentVolumeAttributesClassName:s? modifyVolumeStatus:ModifyVolumeStatus?
PersistentVolumeClaimCondition type:s! status:s! lastProbeTime:t! lastTransitionTime:t! reason:s message:s
ModifyVolumeStatus targetVolumeAttributesClassName:s status:s!
ResourceQuota kind:s@0 apiVersion:s@0 metadata:ObjectMeta! spec:ResourceQuotaSpec! status:ResourceQuotaStatus!
ResourceQuotaSpec hard:q{} scopes:s[] scopeSelector:ScopeSelector?
ScopeSelector! matchExpressions:ScopedResourceSelectorRequirement[]
ScopedResourceSelectorRequirement scopeName:s! operator:s! values:s[]
ResourceQuotaStatus hard:q{} used:q{}
LimitRange kind:s@0 apiVersion:s@0 metadata:ObjectMeta! spec:LimitRangeSpec!
LimitRangeSpec limits:LimitRangeItem[]!
LimitRangeItem type:s! max:q{} min:q{} default:q{} defaultRequest:q{} maxLimitRequestRatio:q{}
Node kind:s@0 apiVersion:s@0 metadata:ObjectMeta! spec:NodeSpec! status:NodeStatus!
NodeSpec podCIDR:s podCIDRs:s[=]@7~= providerID:s@3 unschedulable:b taints:Taint[]
  configSource:NodeConfigSource? externalID:s@2
Taint key:s! value:s effect:s! timeAdded:t?
NodeConfigSource configMap:ConfigMapNodeConfigSource@2?
ConfigMapNodeConfigSource namespace:s! name:s! uid:s resourceVersion:s kubeletConfigKey:s!
NodeStatus capacity:q{} allocatable:q{} phase:s conditions:NodeCondition[type] addresses:NodeAddress[type]
  daemonEndpoints:NodeDaemonEndpoints! nodeInfo:NodeSystemInfo! images:ContainerImage[] volumesInUse:s[]
  volumesAttached:AttachedVolume[] config:NodeConfigStatus? runtimeHandlers:NodeRuntimeHandler[]
  features:NodeFeatures? declaredFeatures:s[]
NodeCondition type:s! status:s! lastHeartbeatTime:t! lastTransitionTime:t! reason:s message:s
NodeAddress type:s! address:s!
NodeDaemonEndpoints kubeletEndpoint:DaemonEndpoint!
DaemonEndpoint Port:i!
NodeSystemInfo machineID:s! systemUUID:s! bootID:s! kernelVersion:s! osImage:s! containerRuntimeVersion:s!
  kubeletVersion:s! kubeProxyVersion:s! operatingSystem:s! architecture:s! swap:NodeSwapStatus?
NodeSwapStatus capacity:i?
ContainerImage names:s[]! sizeBytes:i
AttachedVolume name:s! devicePath:s!
NodeConfigStatus assigned:NodeConfigSource? active:NodeConfigSource? lastKnownGood:NodeConfigSource? error:s
NodeRuntimeHandler name:s! features:NodeRuntimeHandlerFeatures?
NodeRuntimeHandlerFeatures recursiveReadOnlyMounts:b? userNamespaces:b?
NodeFeatures supplementalGroupsPolicy:b?
`;
