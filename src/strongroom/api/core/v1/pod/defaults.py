"""A Pod's defaults: those of the schema (`pkg/apis/core/v1/defaults.go`) and those that admission adds."""

from strongroom.api.core.v1.pod import containers, defaults_volume, whole_resources
from strongroom.api.core.v1.pod.validation_annotations import MIRROR
from strongroom.machinery import image_reference
from strongroom.machinery.gvk import Object

NOT_READY = "node.kubernetes.io/not-ready"
UNREACHABLE = "node.kubernetes.io/unreachable"
TOLERATION_SECONDS = 300
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


def apply(pod: Object) -> None:
    """Fills in what is missing, in place."""
    spec: Object = pod.setdefault("spec", {})
    apply_to_spec(spec)
    for kind in containers.KINDS:
        if kind != "ephemeralContainers":
            for container in containers.of(spec, kind):
                _requests_from_limits(container)
                if spec.get("hostNetwork"):
                    _host_ports(container)
    whole_resources.default(spec)
    spec.setdefault("enableServiceLinks", True)


def apply_to_spec(spec: Object) -> None:
    """The defaults that the spec of a Pod template gets as well, in place."""
    for kind in containers.KINDS:
        for container in containers.of(spec, kind):
            _container(container)
    for volume in containers.volumes(spec):
        _volume(volume)
    for field, value in (
        ("restartPolicy", "Always"),
        ("terminationGracePeriodSeconds", 30),
        ("dnsPolicy", "ClusterFirst"),
        ("schedulerName", "default-scheduler"),
    ):
        if spec.get(field) in (None, ""):
            spec[field] = value
    spec.setdefault("securityContext", {})


def apply_admission(pod: Object, *, is_new: bool) -> None:
    """What the cluster adds to a Pod, in place: who made the Pod does not become its manager."""
    spec = pod["spec"]
    if is_new and MIRROR not in (pod["metadata"].get("annotations") or {}):
        name = spec.get("serviceAccountName") or "default"
        spec["serviceAccountName"] = spec["serviceAccount"] = name
    tolerations = list(spec.get("tolerations") or ())
    for key in (NOT_READY, UNREACHABLE):
        if not any(_tolerates(toleration, key) for toleration in tolerations):
            tolerations.append(
                {
                    "key": key,
                    "operator": "Exists",
                    "effect": "NoExecute",
                    "tolerationSeconds": TOLERATION_SECONDS,
                }
            )
    spec["tolerations"] = tolerations


def _tolerates(toleration: Object, key: str) -> bool:
    return toleration.get("key", "") in ("", key) and toleration.get("effect", "") in ("", "NoExecute")


def pull_policy(image: str) -> str:
    """`Always` for the tag `latest`, stated or meant; else, and for what names no image, `IfNotPresent`."""
    try:
        found = image_reference.parse(image)
    except image_reference.InvalidReferenceError:
        return "IfNotPresent"
    is_latest = found.tag == "latest" or not (found.tag or found.digest)
    return "Always" if is_latest else "IfNotPresent"


def _container(container: Object) -> None:
    if not container.get("imagePullPolicy"):
        container["imagePullPolicy"] = pull_policy(container.get("image", ""))
    if not container.get("terminationMessagePath"):
        container["terminationMessagePath"] = "/dev/termination-log"
    if not container.get("terminationMessagePolicy"):
        container["terminationMessagePolicy"] = "File"
    container.setdefault("resources", {})
    for port in container.get("ports") or ():
        if not port.get("protocol"):
            port["protocol"] = "TCP"
    for variable in container.get("env") or ():
        if (source := variable.get("valueFrom")) is not None:
            defaults_volume.references(source)
            if (file := source.get("fileKeyRef")) is not None:
                file.setdefault("optional", False)
    for field in _PROBES:
        if (probe := container.get(field)) is not None:
            _probe(probe)
    for handler in (container.get("lifecycle") or {}).values():
        if isinstance(handler, dict):
            _http_get(handler)


def _probe(probe: Object) -> None:
    for field, value in (
        ("timeoutSeconds", 1),
        ("periodSeconds", 10),
        ("successThreshold", 1),
        ("failureThreshold", 3),
    ):
        if not probe.get(field):
            probe[field] = value
    _http_get(probe)
    if (grpc := probe.get("grpc")) is not None:
        grpc.setdefault("service", "")


def _http_get(handler: Object) -> None:
    if (get := handler.get("httpGet")) is not None:
        if not get.get("path"):
            get["path"] = "/"
        if not get.get("scheme"):
            get["scheme"] = "HTTP"


def _requests_from_limits(container: Object) -> None:
    resources = container["resources"]
    if limits := resources.get("limits"):
        resources["requests"] = {**limits, **(resources.get("requests") or {})}


def _host_ports(container: Object) -> None:
    for port in container.get("ports") or ():
        if not port.get("hostPort"):
            port["hostPort"] = port.get("containerPort", 0)


def _volume(volume: Object) -> None:
    defaults_volume.apply(volume)
    if (image := volume.get("image")) is not None and not image.get("pullPolicy"):
        image["pullPolicy"] = pull_policy(image.get("reference", ""))
