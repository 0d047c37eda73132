"""`pods/binding`: gives a Pod its node, once (`pkg/registry/core/pod/storage`)."""

from datetime import datetime

from strongroom.aio.clock import Clock
from strongroom.machinery import duration, status, validation
from strongroom.machinery.gvk import Object, Resource
from strongroom.registry.encoding import copy
from strongroom.registry.generic import Registry, Rules

BINDING = Resource("", "v1", "pods/binding", "Binding")
KIND = Resource("", "v1", "bindings", "Binding")


class PodBinding:
    """Binds Pods of `pods`."""

    def __init__(self, pods: Registry, clock: Clock) -> None:
        self._pods = pods
        self._clock = clock

    async def create(self, namespace: str, name: str, binding: Object, *, dry_run: bool = False) -> None:
        """Bind a Pod to `binding.target`. Raises StatusError: 400, 404, 409, 422."""
        metadata = binding.get("metadata") or {}
        if metadata.get("name") != name:
            raise status.bad_request("name in URL does not match name in Binding object")
        _validate(binding, name)
        now = self._clock.now()

        def bind(pod: Object) -> Object:
            for field in ("uid", "resourceVersion"):
                if metadata.get(field):
                    pod["metadata"][field] = metadata[field]
            _bind(pod, name, binding, now)
            return pod

        await self._pods.update(namespace, name, bind, rules=_ANY, dry_run=dry_run)


_ANY = Rules(prepare=lambda new, old: None, validate=lambda new, old: [], counts=False)


def _validate(binding: Object, name: str) -> None:
    target = binding.get("target") or {}
    errors = []
    if (kind := target.get("kind")) and kind != "Node":
        errors.append(validation.not_supported("target.kind", kind, ["Node", "<empty>"]))
    if not target.get("name"):
        errors.append(validation.required("target.name"))
    if errors:
        raise status.invalid(KIND, name, errors)


def _bind(pod: Object, name: str, binding: Object, now: datetime) -> None:
    if pod["metadata"].get("deletionTimestamp"):
        raise status.conflict(BINDING, name, f"pod {name} is being deleted, cannot be assigned to a host")
    spec = pod["spec"]
    if node := spec.get("nodeName"):
        raise status.conflict(BINDING, name, f'pod {name} is already assigned to node "{node}"')
    if spec.get("schedulingGates"):
        raise status.conflict(BINDING, name, f"pod {name} has non-empty .spec.schedulingGates")
    spec["nodeName"] = binding["target"]["name"]
    if annotations := (binding.get("metadata") or {}).get("annotations"):
        pod["metadata"]["annotations"] = {**(pod["metadata"].get("annotations") or {}), **copy(annotations)}
    pod_status = pod.setdefault("status", {})
    pod_status.pop("nominatedNodeName", None)
    others = [c for c in pod_status.get("conditions") or () if c.get("type") != "PodScheduled"]
    scheduled = {
        "type": "PodScheduled",
        "status": "True",
        "lastProbeTime": None,
        "lastTransitionTime": duration.timestamp(now),
    }
    pod_status["conditions"] = [*others, scheduled]
