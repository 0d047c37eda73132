"""The environment of a container, from what its pod names. Pure: objects are looked up, nothing is fetched.

`envFrom` comes first, in order, then `env`; a later name replaces an earlier one. Only `env[].value` is
expanded; a value that comes from an object is taken as it is. Variables of Services come last, and replace
nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from strongroom.machinery.gvk import Object
from strongroom.node import downward, env_file
from strongroom.node.lookup import Objects
from strongroom.node.volumes import config_map, secret


class EnvError(Exception):
    """The environment cannot be made at present. `str()` is the text for the pod's status; never a value."""


@dataclass(frozen=True, slots=True)
class PodFacts:
    """What is known of a running pod beside its object."""

    node_name: str = ""
    host_ips: Sequence[str] = ()
    pod_ips: Sequence[str] = ()
    allocatable: Mapping[str, str] = field(default_factory=dict)
    service_variables: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[env_file.Reference, bytes | None] = field(default_factory=dict, repr=False)
    """What `env_file.find` found for the container."""


@dataclass(frozen=True, slots=True)
class Environment:
    """Names and values; `secret` are the names whose values hold something of a Secret."""

    values: Mapping[str, bytes] = field(repr=False)
    secret: frozenset[str] = frozenset()


class _Builder:
    def __init__(self, pod: Object, container: Object, objects: Objects, facts: PodFacts) -> None:
        self.pod = pod
        self.container = container
        self.objects = objects
        self.facts = facts
        self.namespace = str(pod["metadata"]["namespace"])
        self.values: dict[str, bytes] = {}
        self.secret: set[str] = set()

    def put(self, name: str, value: bytes, *, secret: bool) -> None:
        if b"\0" in value:
            # The runtime would refuse it too, but with the value in its message.
            raise EnvError(f"environment variable {name} contains a NUL byte")
        self.values[name] = value
        if secret:
            self.secret.add(name)
        else:
            self.secret.discard(name)

    def add_from(self, source: Object) -> None:
        prefix = str(source.get("prefix") or "")
        for kind in ("configMapRef", "secretRef"):
            if (reference := source.get(kind)) is None:
                continue
            data = self._data(kind == "secretRef", reference)
            for key, value in (data or {}).items():
                self.put(prefix + key, value, secret=kind == "secretRef")

    def add(self, variable: Object) -> None:
        name = str(variable["name"])
        text = variable.get("value") or ""
        origin = variable.get("valueFrom")
        if text or not origin:
            used: set[str] = set()
            value = expand(str(text), self._mapping(used))
            self.put(name, value, secret=bool(used & self.secret))
        elif (field_ref := origin.get("fieldRef")) is not None:
            self.put(name, self._field(str(field_ref.get("fieldPath", ""))).encode(), secret=False)
        elif (resource_ref := origin.get("resourceFieldRef")) is not None:
            self.put(name, self._resource(resource_ref).encode(), secret=False)
        elif (file := origin.get("fileKeyRef")) is not None:
            self._add_file_key(name, file)
        else:
            self._add_key(name, origin)

    def _add_file_key(self, name: str, reference: Object) -> None:
        """What a container wrote may be secret: it is kept like a value of a Secret."""
        named = env_file.reference(reference)
        value = self.facts.files.get(named, b"")
        if value is None:
            raise EnvError("couldn't parse env file")
        if value:
            self.put(name, value, secret=True)
        elif not reference.get("optional"):
            raise EnvError(f'environment variable key "{named.key}" not found in file "{named.path}"')

    def _add_key(self, name: str, origin: Object) -> None:
        for kind, title in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
            if (reference := origin.get(kind)) is None:
                continue
            data = self._data(kind == "secretKeyRef", reference)
            key = str(reference.get("key", ""))
            if data is not None and key in data:
                self.put(name, data[key], secret=kind == "secretKeyRef")
            elif data is not None and not reference.get("optional"):
                where = f"{self.namespace}/{reference.get('name', '')}"
                raise EnvError(f"couldn't find key {key} in {title} {where}")

    def _data(self, from_secret: bool, reference: Object) -> dict[str, bytes] | None:
        """The values of the object that a reference names; None where it is optional and missing."""
        name = str(reference.get("name", ""))
        if from_secret:
            if (found := self.objects.secret(self.namespace, name)) is not None:
                return secret.data_of(found)
        elif (found := self.objects.config_map(self.namespace, name)) is not None:
            return config_map.text_of(found)
        if reference.get("optional"):
            return None
        raise EnvError(f'{"secret" if from_secret else "configmap"} "{name}" not found')

    def _field(self, path: str) -> str:
        spec = self.pod.get("spec") or {}
        fields: dict[str, Callable[[], str]] = {
            "spec.nodeName": lambda: str(spec.get("nodeName") or self.facts.node_name),
            "spec.serviceAccountName": lambda: str(spec.get("serviceAccountName") or ""),
            "status.hostIP": lambda: next(iter(self.facts.host_ips), ""),
            "status.hostIPs": lambda: ",".join(self.facts.host_ips),
            "status.podIP": lambda: next(iter(self.facts.pod_ips), ""),
            "status.podIPs": lambda: ",".join(self.facts.pod_ips),
        }
        return fields[path]() if path in fields else downward.field(self.pod, path)

    def _resource(self, reference: Object) -> str:
        name = str(reference.get("containerName") or "")
        owner = downward.container(self.pod, name) if name else self.container
        return downward.resource(owner, reference, self.facts.allocatable)

    def _mapping(self, used: set[str]) -> Callable[[str], bytes | None]:
        def find(name: str) -> bytes | None:
            used.add(name)
            if name in self.values:
                return self.values[name]
            of_service = self.facts.service_variables.get(name)
            return None if of_service is None else of_service.encode()

        return find


def build(pod: Object, container: Object, objects: Objects, facts: PodFacts) -> Environment:
    """The environment of `container`, one of the containers of `pod`.

    Raises `EnvError` with the text for the status, and `lookup.NotSyncedError`.
    """
    builder = _Builder(pod, container, objects, facts)
    try:
        for source in container.get("envFrom") or ():
            builder.add_from(source)
        for variable in container.get("env") or ():
            builder.add(variable)
    except downward.FieldPathError as error:
        raise EnvError(str(error)) from error
    for name, value in facts.service_variables.items():
        if name not in builder.values:
            builder.put(name, value.encode(), secret=False)
    return Environment(builder.values, frozenset(builder.secret))


def expand(text: str, find: Callable[[str], bytes | None]) -> bytes:
    """`text` with each `$(NAME)` replaced by what `find` gives; `$$` is `$`; an unknown name stays."""
    result, position = bytearray(), 0
    while (dollar := text.find("$", position)) >= 0:
        result += text[position:dollar].encode()
        following = text[dollar + 1 : dollar + 2]
        if following == "$":
            result += b"$"
            position = dollar + 2
        elif following == "(" and (end := text.find(")", dollar)) >= 0:
            value = find(text[dollar + 2 : end])
            result += text[dollar : end + 1].encode() if value is None else value
            position = end + 1
        else:
            result += b"$"
            position = dollar + 1
    return bytes(result + text[position:].encode())


def expand_all(texts: Sequence[str], environment: Environment) -> list[str]:
    """A command or its arguments, expanded with the container's finished environment."""
    return [expand(text, environment.values.get).decode(errors="replace") for text in texts]
