"""Pods as Go's internal types print them: what upstream shows where a whole value is wrong or has changed.

Names and order of the fields are those of `pkg/apis/core/types.go` of Kubernetes 1.36.
"""

import difflib
import functools
import json
from typing import Any, Final, NamedTuple

from strongroom.machinery.gvk import Object

_OF_SPEC: Final = ("hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace", "hostUsers")
"""Fields of the spec that the internal type has in its security context."""
_ZEROS: Final[dict[str, Any]] = {"!": False, "#": 0, "%": "0", "?": None, "": ""}
_ESCAPES: Final = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)
_ACRONYM: Final = 2


class _Field(NamedTuple):
    name: str
    key: str
    """As it is called in JSON."""
    struct: str
    always: bool
    """A struct that is printed even when it is absent."""
    zero: Any


def shown(struct: str, value: Object) -> Object:
    """`value` with the names, the order and the empty fields of the internal struct."""
    if struct == "PodSpec":
        context = {**(value.get("securityContext") or {}), **{f: value[f] for f in _OF_SPEC if f in value}}
        value = {**value, "securityContext": context}
    made = {}
    for name, key, inner, always, zero in _fields()[struct]:
        found = value.get(key)
        if inner and isinstance(found, list):
            found = [shown(inner, each) for each in found]
        elif inner and (found is not None or always):
            found = shown(inner, found or {})
        made[name] = zero if found is None else found
    return made


def difference(struct: str, old: Object, new: Object) -> str:
    """The lines of two values that differ, with three lines around them, as a unified diff."""
    before, after = (_lines(shown(struct, value)) for value in (old, new))
    diff = list(difflib.unified_diff(before, after, n=3))
    return "".join(diff[2:])  # without the names of files


def _lines(value: Object) -> list[str]:
    text = json.dumps(value, indent=1, separators=(",", ": "), ensure_ascii=False).translate(_ESCAPES)
    return [line + "\n" for line in text.split("\n")]


@functools.cache
def _fields() -> dict[str, list[_Field]]:
    found: dict[str, list[_Field]] = {}
    for line in _TABLE.replace("\n  ", " ").strip().split("\n"):
        struct, *fields = line.split(" ")
        found[struct] = [_field(text) for text in fields]
    return found


def _field(text: str) -> _Field:
    for mark in ("=", ":"):
        if mark in text:
            head, _, struct = text.partition(mark)
            name, key = _names(head)
            return _Field(name, key, struct, mark == "=", None)
    mark = text[-1] if text[-1] in _ZEROS else ""
    name, key = _names(text.removesuffix(mark))
    return _Field(name, key, "", False, _ZEROS[mark])


def _names(text: str) -> tuple[str, str]:
    name, _, key = text.removesuffix(")").partition("(")
    return name, key or _json_name(name)


def _json_name(name: str) -> str:
    """`HostIP` is `hostIP`, `FSGroup` is `fsGroup`, `IP` is `ip`."""
    upper = len(name) - len(name.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    if upper == len(name) or name[upper:] == "s":
        return name.lower()
    words = upper - 1 if upper >= _ACRONYM else 1
    return name[:words].lower() + name[words:]


_TABLE: Final = """
PodSpec Volumes:Volume InitContainers:Container Containers:Container
  EphemeralContainers:EphemeralContainer RestartPolicy TerminationGracePeriodSeconds?
  ActiveDeadlineSeconds? DNSPolicy NodeSelector? ServiceAccountName AutomountServiceAccountToken? NodeName
  SecurityContext:PodSecurityContext ImagePullSecrets:LocalObjectReference Hostname Subdomain
  SetHostnameAsFQDN? Affinity:Affinity SchedulerName Tolerations:Toleration HostAliases:HostAlias
  PriorityClassName Priority? PreemptionPolicy? DNSConfig:PodDNSConfig ReadinessGates:PodReadinessGate
  RuntimeClassName? Overhead? EnableServiceLinks? TopologySpreadConstraints:TopologySpreadConstraint
  OS:PodOS SchedulingGates:PodSchedulingGate ResourceClaims:PodResourceClaim
  Resources:ResourceRequirements HostnameOverride? SchedulingGroup:PodSchedulingGroup
EphemeralContainer Name Image Command? Args? WorkingDir Ports:ContainerPort EnvFrom:EnvFromSource
  Env:EnvVar Resources=ResourceRequirements ResizePolicy:ContainerResizePolicy RestartPolicy?
  RestartPolicyRules:ContainerRestartRule VolumeMounts:VolumeMount VolumeDevices:VolumeDevice
  LivenessProbe:Probe ReadinessProbe:Probe StartupProbe:Probe Lifecycle:Lifecycle TerminationMessagePath
  TerminationMessagePolicy ImagePullPolicy SecurityContext:SecurityContext Stdin! StdinOnce! TTY!
  TargetContainerName
SecurityContext Capabilities:Capabilities Privileged? SELinuxOptions:SELinuxOptions
  WindowsOptions:WindowsSecurityContextOptions RunAsUser? RunAsGroup? RunAsNonRoot?
  ReadOnlyRootFilesystem? AllowPrivilegeEscalation? ProcMount? SeccompProfile:SeccompProfile
  AppArmorProfile:AppArmorProfile
PodResourceClaim Name ResourceClaimName? ResourceClaimTemplateName?
Volume Name HostPath:HostPathVolumeSource EmptyDir:EmptyDirVolumeSource
  GCEPersistentDisk:GCEPersistentDiskVolumeSource AWSElasticBlockStore:AWSElasticBlockStoreVolumeSource
  GitRepo:GitRepoVolumeSource Secret:SecretVolumeSource NFS:NFSVolumeSource ISCSI:ISCSIVolumeSource
  Glusterfs:GlusterfsVolumeSource PersistentVolumeClaim:PersistentVolumeClaimVolumeSource
  RBD:RBDVolumeSource Quobyte:QuobyteVolumeSource FlexVolume:FlexVolumeSource Cinder:CinderVolumeSource
  CephFS(cephfs):CephFSVolumeSource Flocker:FlockerVolumeSource DownwardAPI:DownwardAPIVolumeSource
  FC:FCVolumeSource AzureFile:AzureFileVolumeSource ConfigMap:ConfigMapVolumeSource
  VsphereVolume:VsphereVirtualDiskVolumeSource AzureDisk:AzureDiskVolumeSource
  PhotonPersistentDisk:PhotonPersistentDiskVolumeSource Projected:ProjectedVolumeSource
  PortworxVolume:PortworxVolumeSource ScaleIO:ScaleIOVolumeSource
  StorageOS(storageos):StorageOSVolumeSource CSI:CSIVolumeSource Ephemeral:EphemeralVolumeSource
  Image:ImageVolumeSource
Container Name Image Command? Args? WorkingDir Ports:ContainerPort EnvFrom:EnvFromSource Env:EnvVar
  Resources=ResourceRequirements ResizePolicy:ContainerResizePolicy RestartPolicy?
  RestartPolicyRules:ContainerRestartRule VolumeMounts:VolumeMount VolumeDevices:VolumeDevice
  LivenessProbe:Probe ReadinessProbe:Probe StartupProbe:Probe Lifecycle:Lifecycle TerminationMessagePath
  TerminationMessagePolicy ImagePullPolicy SecurityContext:SecurityContext Stdin! StdinOnce! TTY!
PodSecurityContext HostNetwork! HostPID! HostIPC! ShareProcessNamespace? HostUsers?
  SELinuxOptions:SELinuxOptions WindowsOptions:WindowsSecurityContextOptions RunAsUser? RunAsGroup?
  RunAsNonRoot? SupplementalGroups? SupplementalGroupsPolicy? FSGroup? FSGroupChangePolicy? Sysctls:Sysctl
  SeccompProfile:SeccompProfile AppArmorProfile:AppArmorProfile SELinuxChangePolicy?
LocalObjectReference Name
Affinity NodeAffinity:NodeAffinity PodAffinity:PodAffinity PodAntiAffinity:PodAntiAffinity
Toleration Key Operator Value Effect TolerationSeconds?
HostAlias IP Hostnames?
PodDNSConfig Nameservers? Searches? Options:PodDNSConfigOption
PodReadinessGate ConditionType
TopologySpreadConstraint MaxSkew# TopologyKey WhenUnsatisfiable LabelSelector? MinDomains?
  NodeAffinityPolicy? NodeTaintsPolicy? MatchLabelKeys?
PodOS Name
PodSchedulingGate Name
ResourceRequirements Limits? Requests? Claims:ResourceClaim
PodSchedulingGroup PodGroupName?
ContainerPort Name HostPort# ContainerPort# Protocol HostIP
EnvFromSource Prefix ConfigMapRef:ConfigMapEnvSource SecretRef:SecretEnvSource
EnvVar Name Value ValueFrom:EnvVarSource
ContainerResizePolicy ResourceName RestartPolicy
ContainerRestartRule Action ExitCodes:ContainerRestartRuleOnExitCodes
VolumeMount Name ReadOnly! RecursiveReadOnly? MountPath SubPath MountPropagation? SubPathExpr
VolumeDevice Name DevicePath
Probe Exec:ExecAction HTTPGet:HTTPGetAction TCPSocket:TCPSocketAction GRPC:GRPCAction InitialDelaySeconds#
  TimeoutSeconds# PeriodSeconds# SuccessThreshold# FailureThreshold# TerminationGracePeriodSeconds?
Lifecycle PostStart:LifecycleHandler PreStop:LifecycleHandler StopSignal?
Capabilities Add? Drop?
SELinuxOptions User Role Type Level
WindowsSecurityContextOptions GMSACredentialSpecName? GMSACredentialSpec? RunAsUserName? HostProcess?
SeccompProfile Type LocalhostProfile?
AppArmorProfile Type LocalhostProfile?
HostPathVolumeSource Path Type?
EmptyDirVolumeSource Medium SizeLimit?
GCEPersistentDiskVolumeSource PDName FSType Partition# ReadOnly!
AWSElasticBlockStoreVolumeSource VolumeID FSType Partition# ReadOnly!
GitRepoVolumeSource Repository Revision Directory
SecretVolumeSource SecretName Items:KeyToPath DefaultMode? Optional?
NFSVolumeSource Server Path ReadOnly!
ISCSIVolumeSource TargetPortal IQN Lun# ISCSIInterface FSType ReadOnly! Portals?
  DiscoveryCHAPAuth(chapAuthDiscovery)! SessionCHAPAuth(chapAuthSession)! SecretRef:LocalObjectReference
  InitiatorName?
GlusterfsVolumeSource EndpointsName(endpoints) Path ReadOnly!
PersistentVolumeClaimVolumeSource ClaimName ReadOnly!
RBDVolumeSource CephMonitors(monitors)? RBDImage(image) FSType RBDPool(pool) RadosUser(user) Keyring
  SecretRef:LocalObjectReference ReadOnly!
QuobyteVolumeSource Registry Volume ReadOnly! User Group Tenant
FlexVolumeSource Driver FSType SecretRef:LocalObjectReference ReadOnly! Options?
CinderVolumeSource VolumeID FSType ReadOnly! SecretRef:LocalObjectReference
CephFSVolumeSource Monitors? Path User SecretFile SecretRef:LocalObjectReference ReadOnly!
FlockerVolumeSource DatasetName DatasetUUID
DownwardAPIVolumeSource Items:DownwardAPIVolumeFile DefaultMode?
FCVolumeSource TargetWWNs? Lun? FSType ReadOnly! WWIDs?
AzureFileVolumeSource SecretName ShareName ReadOnly!
ConfigMapVolumeSource Name Items:KeyToPath DefaultMode? Optional?
VsphereVirtualDiskVolumeSource VolumePath FSType StoragePolicyName StoragePolicyID
AzureDiskVolumeSource DiskName DataDiskURI(diskURI) CachingMode? FSType? ReadOnly? Kind?
PhotonPersistentDiskVolumeSource PdID FSType
ProjectedVolumeSource Sources:VolumeProjection DefaultMode?
PortworxVolumeSource VolumeID FSType ReadOnly!
ScaleIOVolumeSource Gateway System SecretRef:LocalObjectReference SSLEnabled! ProtectionDomain StoragePool
  StorageMode VolumeName FSType ReadOnly!
StorageOSVolumeSource VolumeName VolumeNamespace FSType ReadOnly! SecretRef:LocalObjectReference
CSIVolumeSource Driver ReadOnly? FSType? VolumeAttributes? NodePublishSecretRef:LocalObjectReference
EphemeralVolumeSource VolumeClaimTemplate:PersistentVolumeClaimTemplate
ImageVolumeSource Reference PullPolicy
Sysctl Name Value
NodeAffinity RequiredDuringSchedulingIgnoredDuringExecution:NodeSelector
  PreferredDuringSchedulingIgnoredDuringExecution:PreferredSchedulingTerm
PodAffinity RequiredDuringSchedulingIgnoredDuringExecution:PodAffinityTerm
  PreferredDuringSchedulingIgnoredDuringExecution:WeightedPodAffinityTerm
PodAntiAffinity RequiredDuringSchedulingIgnoredDuringExecution:PodAffinityTerm
  PreferredDuringSchedulingIgnoredDuringExecution:WeightedPodAffinityTerm
PodDNSConfigOption Name Value?
ResourceClaim Name Request
ConfigMapEnvSource Name Optional?
SecretEnvSource Name Optional?
EnvVarSource FieldRef:ObjectFieldSelector ResourceFieldRef:ResourceFieldSelector
  ConfigMapKeyRef:ConfigMapKeySelector SecretKeyRef:SecretKeySelector FileKeyRef:FileKeySelector
ContainerRestartRuleOnExitCodes Operator Values?
ExecAction Command?
HTTPGetAction Path Port# Host Scheme HTTPHeaders:HTTPHeader
TCPSocketAction Port# Host
GRPCAction Port# Service?
LifecycleHandler Exec:ExecAction HTTPGet:HTTPGetAction TCPSocket:TCPSocketAction Sleep:SleepAction
KeyToPath Key Path Mode?
DownwardAPIVolumeFile Path FieldRef:ObjectFieldSelector ResourceFieldRef:ResourceFieldSelector Mode?
VolumeProjection Secret:SecretProjection DownwardAPI:DownwardAPIProjection ConfigMap:ConfigMapProjection
  ServiceAccountToken:ServiceAccountTokenProjection ClusterTrustBundle:ClusterTrustBundleProjection
  PodCertificate:PodCertificateProjection
PersistentVolumeClaimTemplate Spec=PersistentVolumeClaimSpec
NodeSelector NodeSelectorTerms:NodeSelectorTerm
PreferredSchedulingTerm Weight# Preference=NodeSelectorTerm
PodAffinityTerm LabelSelector? Namespaces? TopologyKey NamespaceSelector? MatchLabelKeys?
  MismatchLabelKeys?
WeightedPodAffinityTerm Weight# PodAffinityTerm=PodAffinityTerm
ObjectFieldSelector APIVersion FieldPath
ResourceFieldSelector ContainerName Resource Divisor%
ConfigMapKeySelector Name Key Optional?
SecretKeySelector Name Key Optional?
FileKeySelector VolumeName Path Key Optional?
HTTPHeader Name Value
SleepAction Seconds#
SecretProjection Name Items:KeyToPath Optional?
DownwardAPIProjection Items:DownwardAPIVolumeFile
ConfigMapProjection Name Items:KeyToPath Optional?
ServiceAccountTokenProjection Audience ExpirationSeconds# Path
ClusterTrustBundleProjection Name? SignerName? LabelSelector? Optional? Path
PodCertificateProjection SignerName KeyType MaxExpirationSeconds? CredentialBundlePath KeyPath
  CertificateChainPath UserAnnotations?
PersistentVolumeClaimSpec AccessModes? Selector? Resources=VolumeResourceRequirements VolumeName
  StorageClassName? VolumeMode? DataSource:TypedLocalObjectReference DataSourceRef:TypedObjectReference
  VolumeAttributesClassName?
NodeSelectorTerm MatchExpressions:NodeSelectorRequirement MatchFields:NodeSelectorRequirement
VolumeResourceRequirements Limits? Requests?
TypedLocalObjectReference APIGroup? Kind Name
TypedObjectReference APIGroup? Kind Name Namespace?
NodeSelectorRequirement Key Operator Values?
"""
"""A struct a line: its fields, each a text but for the marks: `!` a boolean, `#` a number, `%` an amount,
`?` null if absent, `:` a struct, a list of them or null, `=` a struct that is always there. `(…)`: its JSON
name, where that is irregular."""
