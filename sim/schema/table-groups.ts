/**
 * Types of Kubernetes 1.36: the kinds of named groups. Notation in notation.ts. Made from the Go types of
 * k8s.io/api v0.36.3 (order of fields, what JSON leaves out) and the published OpenAPI document (lists, maps, patches)
 * by generate/main.go; the contract suite compares it with what a real server publishes.
 */
export const GROUPS = `
Deployment kind:s@0 apiVersion:s@0 metadata:ObjectMeta! spec:DeploymentSpec! status:DeploymentStatus!
DeploymentSpec replicas:i? selector:LabelSelector?! template:PodTemplateSpec!
  strategy:DeploymentStrategy~retainKeys! minReadySeconds:i revisionHistoryLimit:i? paused:b
  progressDeadlineSeconds:i@9?
PodTemplateSpec metadata:ObjectMeta! spec:PodSpec!
DeploymentStrategy type:s rollingUpdate:RollingUpdateDeployment?
RollingUpdateDeployment maxUnavailable:x? maxSurge:x?
DeploymentStatus observedGeneration:i replicas:i updatedReplicas:i readyReplicas:i@7 availableReplicas:i@4
  unavailableReplicas:i terminatingReplicas:i@9? conditions:DeploymentCondition[type]@6 collisionCount:i@8?
DeploymentCondition type:s! status:s! lastUpdateTime:t@6! lastTransitionTime:t! reason:s@4 message:s
ReplicaSet kind:s@0 apiVersion:s@0 metadata:ObjectMeta! spec:ReplicaSetSpec! status:ReplicaSetStatus!
ReplicaSetSpec replicas:i? minReadySeconds:i@4 selector:LabelSelector@2?! template:PodTemplateSpec!
ReplicaSetStatus replicas:i! fullyLabeledReplicas:i readyReplicas:i@4 availableReplicas:i
  terminatingReplicas:i@7? observedGeneration:i@3 conditions:ReplicaSetCondition[type]@6
ReplicaSetCondition type:s! status:s! lastTransitionTime:t! reason:s message:s
StatefulSet kind:s@0 apiVersion:s@0 metadata:ObjectMeta! spec:StatefulSetSpec! status:StatefulSetStatus!
StatefulSetSpec replicas:i? selector:LabelSelector?! template:PodTemplateSpec!
  volumeClaimTemplates:PersistentVolumeClaim[] serviceName:s! podManagementPolicy:s
  updateStrategy:StatefulSetUpdateStrategy! revisionHistoryLimit:i? minReadySeconds:i
  persistentVolumeClaimRetentionPolicy:StatefulSetPersistentVolumeClaimRetentionPolicy?
  ordinals:StatefulSetOrdinals?
StatefulSetUpdateStrategy type:s rollingUpdate:RollingUpdateStatefulSetStrategy?
RollingUpdateStatefulSetStrategy partition:i? maxUnavailable:x?
StatefulSetPersistentVolumeClaimRetentionPolicy whenDeleted:s whenScaled:s
StatefulSetOrdinals start:i!
StatefulSetStatus observedGeneration:i replicas:i! readyReplicas:i currentReplicas:i updatedReplicas:i
  currentRevision:s updateRevision:s collisionCount:i@9? conditions:StatefulSetCondition[type]
  availableReplicas:i!
StatefulSetCondition type:s! status:s! lastTransitionTime:t! reason:s message:s
DaemonSet kind:s@0 apiVersion:s@0 metadata:ObjectMeta! spec:DaemonSetSpec! status:DaemonSetStatus!
DaemonSetSpec selector:LabelSelector?! template:PodTemplateSpec! updateStrategy:DaemonSetUpdateStrategy!
  minReadySeconds:i revisionHistoryLimit:i@6?
DaemonSetUpdateStrategy type:s rollingUpdate:RollingUpdateDaemonSet?
RollingUpdateDaemonSet maxUnavailable:x? maxSurge:x?
DaemonSetStatus currentNumberScheduled:i! numberMisscheduled:i! desiredNumberScheduled:i! numberReady:i!
  observedGeneration:i updatedNumberScheduled:i numberAvailable:i numberUnavailable:i collisionCount:i?
  conditions:DaemonSetCondition[type]
DaemonSetCondition type:s! status:s! lastTransitionTime:t! reason:s message:s
Job kind:s@0 apiVersion:s@0 metadata:ObjectMeta! spec:JobSpec! status:JobStatus!
JobSpec parallelism:i? completions:i? activeDeadlineSeconds:i? podFailurePolicy:PodFailurePolicy@11?
  successPolicy:SuccessPolicy@16? backoffLimit:i@7? backoffLimitPerIndex:i@12? maxFailedIndexes:i?
  selector:LabelSelector@4? manualSelector:b? template:PodTemplateSpec! ttlSecondsAfterFinished:i@8?
  completionMode:s? suspend:b? podReplacementPolicy:s@14? managedBy:s?
PodFailurePolicy rules:PodFailurePolicyRule[]!
PodFailurePolicyRule action:s! onExitCodes:PodFailurePolicyOnExitCodesRequirement?
  onPodConditions:PodFailurePolicyOnPodConditionsPattern[]
PodFailurePolicyOnExitCodesRequirement containerName:s? operator:s! values:i[=]!
PodFailurePolicyOnPodConditionsPattern type:s! status:s!
SuccessPolicy rules:SuccessPolicyRule[]!
SuccessPolicyRule succeededIndexes:s? succeededCount:i?
JobStatus conditions:JobCondition[]~type startTime:t? completionTime:t? active:i succeeded:i failed:i
  terminating:i@11? completedIndexes:s@7 failedIndexes:s@10?
  uncountedTerminatedPods:UncountedTerminatedPods@8? ready:i?
JobCondition type:s! status:s! lastProbeTime:t! lastTransitionTime:t! reason:s message:s
UncountedTerminatedPods succeeded:s[=] failed:s[=]
CronJob kind:s@0 apiVersion:s@0 metadata:ObjectMeta! spec:CronJobSpec! status:CronJobStatus!
CronJobSpec schedule:s! timeZone:s@8? startingDeadlineSeconds:i@2? concurrencyPolicy:s suspend:b?
  jobTemplate:JobTemplateSpec! successfulJobsHistoryLimit:i? failedJobsHistoryLimit:i?
JobTemplateSpec metadata:ObjectMeta! spec:JobSpec!
CronJobStatus active:ObjectReference[] lastScheduleTime:t@4? lastSuccessfulTime:t?
Ingress kind:s@0 apiVersion:s@0 metadata:ObjectMeta! spec:IngressSpec! status:IngressStatus!
IngressSpec ingressClassName:s@4? defaultBackend:IngressBackend@1? tls:IngressTLS[] rules:IngressRule[]
IngressBackend service:IngressServiceBackend@4? resource:TypedLocalObjectReference@3?
IngressServiceBackend name:s! port:ServiceBackendPort!
ServiceBackendPort! name:s number:i
IngressTLS hosts:s[] secretName:s
IngressRule host:s http:HTTPIngressRuleValue@2.1?
HTTPIngressRuleValue paths:HTTPIngressPath[]!
HTTPIngressPath path:s pathType:s@3?! backend:IngressBackend@2!
IngressStatus loadBalancer:IngressLoadBalancerStatus!
IngressLoadBalancerStatus ingress:IngressLoadBalancerIngress[]
IngressLoadBalancerIngress ip:s hostname:s ports:IngressPortStatus[]@4
IngressPortStatus port:i! protocol:s! error:s?
NetworkPolicy kind:s@0 apiVersion:s@0 metadata:ObjectMeta! spec:NetworkPolicySpec!
NetworkPolicySpec podSelector:LabelSelector! ingress:NetworkPolicyIngressRule[]
  egress:NetworkPolicyEgressRule[] policyTypes:s[]
NetworkPolicyIngressRule ports:NetworkPolicyPort[] from:NetworkPolicyPeer[]
NetworkPolicyPort protocol:s? port:x? endPort:i?
NetworkPolicyPeer podSelector:LabelSelector? namespaceSelector:LabelSelector? ipBlock:IPBlock?
IPBlock cidr:s! except:s[]
NetworkPolicyEgressRule ports:NetworkPolicyPort[] to:NetworkPolicyPeer[]
IngressClass kind:s@0 apiVersion:s@0 metadata:ObjectMeta! spec:IngressClassSpec!
IngressClassSpec controller:s parameters:IngressClassParametersReference?
IngressClassParametersReference apiGroup:s? kind:s! name:s! scope:s?! namespace:s?
Role kind:s@0 apiVersion:s@0 metadata:ObjectMeta! rules:PolicyRule[]!
PolicyRule verbs:s[]! apiGroups:s[] resources:s[] resourceNames:s[] nonResourceURLs:s[]
ClusterRole kind:s@0 apiVersion:s@0 metadata:ObjectMeta! rules:PolicyRule[]! aggregationRule:AggregationRule?
AggregationRule clusterRoleSelectors:LabelSelector[]
RoleBinding kind:s@0 apiVersion:s@0 metadata:ObjectMeta! subjects:Subject[] roleRef:RoleRef!
Subject! kind:s! apiGroup:s name:s! namespace:s
RoleRef! apiGroup:s! kind:s! name:s!
ClusterRoleBinding kind:s@0 apiVersion:s@0 metadata:ObjectMeta! subjects:Subject[] roleRef:RoleRef!
HorizontalPodAutoscaler kind:s@0 apiVersion:s@0 metadata:ObjectMeta! spec:HorizontalPodAutoscalerSpec!
  status:HorizontalPodAutoscalerStatus!
HorizontalPodAutoscalerSpec scaleTargetRef:CrossVersionObjectReference! minReplicas:i? maxReplicas:i!
  metrics:MetricSpec[] behavior:HorizontalPodAutoscalerBehavior?
CrossVersionObjectReference kind:s! name:s! apiVersion:s
MetricSpec type:s! object:ObjectMetricSource? pods:PodsMetricSource? resource:ResourceMetricSource?
  containerResource:ContainerResourceMetricSource@7? external:ExternalMetricSource@5?
ObjectMetricSource describedObject:CrossVersionObjectReference! target:MetricTarget! metric:MetricIdentifier!
MetricTarget type:s! value:q? averageValue:q? averageUtilization:i?
MetricIdentifier name:s! selector:LabelSelector?
PodsMetricSource metric:MetricIdentifier! target:MetricTarget!
ResourceMetricSource name:s! target:MetricTarget!
ContainerResourceMetricSource name:s! target:MetricTarget! container:s!
ExternalMetricSource metric:MetricIdentifier! target:MetricTarget!
HorizontalPodAutoscalerBehavior scaleUp:HPAScalingRules? scaleDown:HPAScalingRules?
HPAScalingRules stabilizationWindowSeconds:i@3? selectPolicy:s@1? policies:HPAScalingPolicy[] tolerance:q@4?
HPAScalingPolicy type:s! value:i! periodSeconds:i!
HorizontalPodAutoscalerStatus observedGeneration:i? lastScaleTime:t? currentReplicas:i desiredReplicas:i!
  currentMetrics:MetricStatus[]! conditions:HorizontalPodAutoscalerCondition[type]
MetricStatus type:s! object:ObjectMetricStatus? pods:PodsMetricStatus? resource:ResourceMetricStatus?
  containerResource:ContainerResourceMetricStatus@7? external:ExternalMetricStatus@5?
ObjectMetricStatus metric:MetricIdentifier! current:MetricValueStatus!
  describedObject:CrossVersionObjectReference!
MetricValueStatus value:q? averageValue:q? averageUtilization:i?
PodsMetricStatus metric:MetricIdentifier! current:MetricValueStatus!
ResourceMetricStatus name:s! current:MetricValueStatus!
ContainerResourceMetricStatus name:s! current:MetricValueStatus! container:s!
ExternalMetricStatus metric:MetricIdentifier! current:MetricValueStatus!
HorizontalPodAutoscalerCondition type:s! status:s! lastTransitionTime:t! reason:s message:s
Scale kind:s@0 apiVersion:s@0 metadata:ObjectMeta! spec:ScaleSpec! status:ScaleStatus!
ScaleSpec replicas:i
ScaleStatus replicas:i! selector:s
PodDisruptionBudget kind:s@0 apiVersion:s@0 metadata:ObjectMeta! spec:PodDisruptionBudgetSpec!
  status:PodDisruptionBudgetStatus!
PodDisruptionBudgetSpec minAvailable:x? selector:LabelSelector~? maxUnavailable:x?
  unhealthyPodEvictionPolicy:s?
PodDisruptionBudgetStatus observedGeneration:i disruptedPods:t{} disruptionsAllowed:i! currentHealthy:i!
  desiredHealthy:i! expectedPods:i! conditions:Condition[type]
CustomResourceDefinition kind:s@0 apiVersion:s@0 metadata:ObjectMeta! spec:CustomResourceDefinitionSpec!
  status:CustomResourceDefinitionStatus!
CustomResourceDefinitionSpec group:s! names:CustomResourceDefinitionNames@3! scope:s!
  versions:CustomResourceDefinitionVersion[]@7! conversion:CustomResourceConversion@9? preserveUnknownFields:b
CustomResourceDefinitionNames plural:s! singular:s shortNames:s[] kind:s! listKind:s categories:s[]
CustomResourceDefinitionVersion name:s! served:b! storage:b! deprecated:b@7 deprecationWarning:s?
  schema:CustomResourceValidation@4? subresources:CustomResourceSubresources?
  additionalPrinterColumns:CustomResourceColumnDefinition[] selectableFields:SelectableField[]@9
CustomResourceValidation openAPIV3Schema:JSONSchemaProps?
JSONSchemaProps id:s $schema:s $ref:s? description:s type:s format:s title:s default:j? maximum:n?
  exclusiveMaximum:b minimum:n? exclusiveMinimum:b maxLength:i? minLength:i? pattern:s maxItems:i? minItems:i?
  uniqueItems:b multipleOf:n? enum:j[] maxProperties:i? minProperties:i? required:s[] items:j?
  allOf:JSONSchemaProps[] oneOf:JSONSchemaProps[] anyOf:JSONSchemaProps[] not:JSONSchemaProps?
  properties:JSONSchemaProps{} additionalProperties:j? patternProperties:JSONSchemaProps{} dependencies:j{}
  additionalItems:j? definitions:JSONSchemaProps{} externalDocs:ExternalDocumentation? example:j? nullable:b
  x-kubernetes-preserve-unknown-fields:b? x-kubernetes-embedded-resource:b x-kubernetes-int-or-string:b
  x-kubernetes-list-map-keys:s[] x-kubernetes-list-type:s? x-kubernetes-map-type:s?
  x-kubernetes-validations:ValidationRule[rule]
ExternalDocumentation description:s url:s
ValidationRule rule:s! message:s messageExpression:s reason:s? fieldPath:s optionalOldSelf:b?
CustomResourceSubresources status:CustomResourceSubresourceStatus? scale:CustomResourceSubresourceScale?
CustomResourceSubresourceStatus
CustomResourceSubresourceScale specReplicasPath:s! statusReplicasPath:s! labelSelectorPath:s?
CustomResourceColumnDefinition name:s! type:s! format:s description:s priority:i jsonPath:s!
SelectableField jsonPath:s!
CustomResourceConversion strategy:s! webhook:WebhookConversion?
WebhookConversion clientConfig:WebhookClientConfig@2? conversionReviewVersions:s[]!
WebhookClientConfig url:s@3? service:ServiceReference@1? caBundle:d
ServiceReference namespace:s! name:s! path:s? port:i?
CustomResourceDefinitionStatus conditions:CustomResourceDefinitionCondition[type]~!
  acceptedNames:CustomResourceDefinitionNames! storedVersions:s[]! observedGeneration:i
CustomResourceDefinitionCondition type:s! status:s! lastTransitionTime:t! reason:s message:s
  observedGeneration:i
PriorityClass kind:s@0 apiVersion:s@0 metadata:ObjectMeta! value:i! globalDefault:b description:s
  preemptionPolicy:s?
Lease kind:s@0 apiVersion:s@0 metadata:ObjectMeta! spec:LeaseSpec!
LeaseSpec holderIdentity:s? leaseDurationSeconds:i? acquireTime:u? renewTime:u? leaseTransitions:i?
  strategy:s? preferredHolder:s?
StorageClass kind:s@0 apiVersion:s@0 metadata:ObjectMeta! provisioner:s! parameters:s{} reclaimPolicy:s?
  mountOptions:s[] allowVolumeExpansion:b? volumeBindingMode:s? allowedTopologies:TopologySelectorTerm[]
TopologySelectorTerm! matchLabelExpressions:TopologySelectorLabelRequirement[]
TopologySelectorLabelRequirement key:s! values:s[]!
ValidatingWebhookConfiguration kind:s@0 apiVersion:s@0 metadata:ObjectMeta! webhooks:ValidatingWebhook[name]
ValidatingWebhook name:s! clientConfig:admissionregistration.WebhookClientConfig! rules:RuleWithOperations[]
  failurePolicy:s? matchPolicy:s@9? namespaceSelector:LabelSelector@5? objectSelector:LabelSelector@10?
  sideEffects:s@6?! timeoutSeconds:i? admissionReviewVersions:s[]! matchConditions:MatchCondition[name]@11
admissionregistration.WebhookClientConfig url:s@3? service:admissionregistration.ServiceReference@1?
  caBundle:d
admissionregistration.ServiceReference namespace:s! name:s! path:s? port:i?
RuleWithOperations operations:s[] apiGroups:s[]@2.1 apiVersions:s[] resources:s[] scope:s?
MatchCondition name:s! expression:s!
MutatingWebhookConfiguration kind:s@0 apiVersion:s@0 metadata:ObjectMeta! webhooks:MutatingWebhook[name]
MutatingWebhook name:s! clientConfig:admissionregistration.WebhookClientConfig! rules:RuleWithOperations[]
  failurePolicy:s? matchPolicy:s@9? namespaceSelector:LabelSelector@5? objectSelector:LabelSelector@11?
  sideEffects:s@6?! timeoutSeconds:i? admissionReviewVersions:s[]! reinvocationPolicy:s@10?
  matchConditions:MatchCondition[name]@12
`;
