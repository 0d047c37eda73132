"""Request bodies to objects: media types, kind and version, types of fields, unknown and repeated fields.

The texts are those of Kubernetes ("Field validation" and `apiserver/pkg/endpoints/handlers`).
"""

from dataclasses import dataclass
from typing import Any, Final

from strongroom.api import schema
from strongroom.machinery import status
from strongroom.machinery.codec import json, protobuf, structs, yaml
from strongroom.machinery.codec.errors import DecodeError, TypeMismatch
from strongroom.machinery.gvk import Object, Resource
from strongroom.machinery.sensitive import Sensitive
from strongroom.machinery.validation import go_quote

JSON: Final = "application/json"
YAML: Final = "application/yaml"
PROTOBUF: Final = "application/vnd.kubernetes.protobuf"
ACCEPTED: Final = (JSON, YAML, PROTOBUF)

IGNORE: Final = "Ignore"
STRICT: Final = "Strict"

_SCHEME: Final = 'in scheme "pkg/api/legacyscheme/scheme.go:30"'
_YAML_ERRORS: Final = "yaml: unmarshal errors:\n"
_SUMMARY: Final = 30
_MAX_PROBLEMS: Final = 100


@dataclass(frozen=True, slots=True)
class Decoded:
    """An object of the asked kind, and what a client should be warned of: texts for `Warning` headers."""

    obj: Object
    warnings: list[str]


class UnreadableBody(status.StatusError):
    """400 for a body that is no object at all. The client is told why and how it begins, `message` is not."""

    def __init__(self, kind: str, why: str, body: bytes) -> None:
        super().__init__(400, "BadRequest", f"the object provided is unrecognized (must be of type {kind})")
        self.why = why
        self._rest = Sensitive(f": {why} ({_summary(body)})".encode())

    def to_dict(self) -> dict[str, Any]:
        full = super().to_dict()
        full["message"] += self._rest.reveal().decode()
        return full


def decode(body: bytes, content_type: str, resource: Resource, field_validation: str = "") -> Decoded:
    """The object in a request body, in the shape and field order in which it is stored.

    `resource` names the kind that the path takes; kind and apiVersion may be absent from the body.
    `field_validation`: Ignore, Warn (also ""), or Strict. Raises StatusError 400 or 415."""
    media = content_type if content_type == JSON else content_type.partition(";")[0].strip().lower()
    try:
        if media in ("", JSON):
            return _decode_json(body, resource, field_validation)
        if media == PROTOBUF:
            return _decode_protobuf(body, resource)
        if media == YAML:
            return _decode_yaml(body, resource, field_validation)
    except DecodeError as error:
        raise UnreadableBody(resource.kind, str(error), body) from None
    raise status.unsupported_media_type(ACCEPTED)


def decode_object(obj: Any, resource: Resource) -> tuple[Object, list[str]]:
    """A decoded document (of a patch, say) as an object of the kind, and its unknown fields.

    Raises StatusError 400 when a field has the wrong type."""
    try:
        found, walk = _walk(obj, resource)
    except DecodeError as error:
        raise UnreadableBody(resource.kind, str(error), json.encode(obj)) from None
    return found, _problems(obj, walk) if walk.unknown else []


def check_fields(obj: Object, resource: Resource) -> list[str]:
    """`unknown field "spec.foo"` for each field that the kind does not have, in the order of the document."""
    return decode_object(obj, resource)[1]


def strict_error(problems: list[str]) -> str:
    """The text with which Strict refuses."""
    return "strict decoding error: " + ", ".join(problems)


def _decode_json(body: bytes, resource: Resource, field_validation: str) -> Decoded:
    try:
        value = json.decode(body)
    except DecodeError as error:
        raise DecodeError(f"couldn't get version/kind; json parse error: {error}") from None
    obj, walk = _walk(value, resource)
    repeated = json.may_repeat_keys(body, walk.keys, value)
    if not repeated and not walk.unknown:
        return Decoded(obj, [])
    problems: list[str] = []
    if repeated:
        try:
            pairs = json.decode_pairs(body)
            value = json.merged(pairs)
            obj, walk = _walk(value, resource)
            problems = _problems(pairs, walk)
        except RecursionError:
            raise DecodeError("couldn't get version/kind; json parse error: exceeded max depth") from None
    elif field_validation != IGNORE:
        problems = _problems(value, walk)
    return _validated(obj, problems, resource, field_validation)


def _decode_yaml(body: bytes, resource: Resource, field_validation: str) -> Decoded:
    value, repeated = yaml.decode(body)
    obj, walk = _walk(value, resource)
    problems = []
    if repeated:
        problems.append(_YAML_ERRORS + "\n".join(f"  {text}" for text in repeated))
    problems += sorted(_problems(value, walk)) if walk.unknown else []
    return _validated(obj, problems, resource, field_validation)


def _decode_protobuf(body: bytes, resource: Resource) -> Decoded:
    envelope = protobuf.open_envelope(body)
    message = _message(resource, envelope.kind, envelope.api_version)
    try:
        found = schema.protobuf_decoder().decode(message, envelope.raw)
    except TypeMismatch as error:
        raise _cannot_be_handled(resource.kind, resource.version, resource, str(error)) from None
    return Decoded(_head(found, resource, message), [])


def _validated(obj: Object, problems: list[str], resource: Resource, field_validation: str) -> Decoded:
    if field_validation == IGNORE:
        return Decoded(obj, [])
    if problems and field_validation == STRICT:
        raise _cannot_be_handled(resource.kind, resource.version, resource, strict_error(problems))
    return Decoded(obj, _warnings(problems))


def _warnings(problems: list[str]) -> list[str]:
    """Problems of a YAML document, which are one text, are told of line by line."""
    found: list[str] = []
    for problem in problems:
        lines = problem.removeprefix(_YAML_ERRORS)
        found += [problem] if lines == problem else [line.strip() for line in lines.split("\n")]
    return found


def _walk(value: Any, resource: Resource) -> tuple[Object, structs.Walk]:
    if value is None:
        value = {}
    if not isinstance(value, dict):
        names = (("APIVersion", "apiVersion"), ("Kind", "kind"))
        members = "; ".join(f'{name} string "json:\\"{key},omitempty\\""' for name, key in names)
        raise DecodeError(
            "couldn't get version/kind; json parse error: "
            f"json: cannot unmarshal {structs.json_type(value)} into Go value of type struct {{ {members} }}"
        )
    kind, api_version = value.get("kind"), value.get("apiVersion")
    if kind != resource.kind or api_version != resource.api_version:
        for name in ("kind", "apiVersion"):
            if value.get(name) is not None and not isinstance(value[name], str):
                wrong = structs.mismatch(value[name], "", (None, name), "string")
                raise DecodeError(f"couldn't get version/kind; json parse error: {wrong}")
    message = _message(resource, kind or "", api_version or "")
    walk = structs.Walk()
    try:
        obj = schema.decoder(message)(value, None, walk)
    except TypeMismatch as error:
        raise _cannot_be_handled(resource.kind, resource.version, resource, str(error)) from None
    metadata = value.get("metadata")
    if metadata.__class__ is dict and metadata.get("managedFields") == []:
        # Here alone an empty list says something: that nobody owns anything.
        obj["metadata"]["managedFields"] = []
    return _head(obj, resource, message), walk


def _message(resource: Resource, kind: str, api_version: str) -> str:
    """The message of the body's kind, which must be the resource's."""
    expected = schema.for_kind(resource.group, resource.version, resource.kind)
    if expected is None:
        raise KeyError(f"no schema for {resource.group_kind}")
    kind, api_version = kind or resource.kind, api_version or resource.api_version
    if kind == resource.kind and api_version == resource.api_version:
        return expected
    group, _, version = api_version.rpartition("/")
    if "/" in group or (api_version != "/" and not version):
        raise DecodeError(f"unexpected GroupVersion string: {api_version}")
    found = schema.for_kind(group, version, kind)
    is_meta = (group, version) == ("meta.k8s.io", "v1")
    if kind == resource.kind == "DeleteOptions" and (is_meta or found == expected):
        return expected  # every group has the kind
    if found is None:
        why = f"no kind {go_quote(kind)} is registered for version {go_quote(api_version)} {_SCHEME}"
    elif kind == resource.kind:
        raise status.bad_request(
            f"the API version in the data ({api_version}) does not match "
            f"the expected API version ({resource.api_version})"
        )
    else:
        internal = resource.group.partition(".")[0] or "core"
        why = f"converting ({version}.{kind}) to ({internal}.{resource.kind}): unknown conversion"
    raise _cannot_be_handled(kind, version, resource, why)


def _head(obj: Object, resource: Resource, message: str) -> Object:
    """The object with its own kind and apiVersion, and metadata if the kind has any, in front."""
    if "kind" in obj and "apiVersion" in obj and "metadata" in obj:
        obj["kind"], obj["apiVersion"] = resource.kind, resource.api_version
        return obj
    head: Object = {"kind": resource.kind, "apiVersion": resource.api_version}
    if schema.has_field(message, "metadata"):
        head["metadata"] = obj.get("metadata", {})
    return {**head, **obj, "kind": resource.kind, "apiVersion": resource.api_version}


def _cannot_be_handled(kind: str, version: str, resource: Resource, why: str) -> status.StatusError:
    return status.bad_request(
        f"{kind} in version {go_quote(version)} cannot be handled as a {resource.kind}: {why}"
    )


def _problems(document: Any, walk: structs.Walk) -> list[str]:
    """Unknown fields, and repeated ones if objects came as Pairs, in the order in which Go meets them."""
    unknown = {structs.render(path) for path in walk.unknown}
    raw = {structs.render(path) for path in walk.raw}
    found: dict[str, None] = {}

    def visit(value: Any, path: str) -> None:
        if isinstance(value, list) and not isinstance(value, json.Pairs):
            for index, item in enumerate(value):
                visit(item, f"{path}[{index}]")
        if not isinstance(value, dict | json.Pairs):
            return
        seen = set()
        for key, item in value.items() if isinstance(value, dict) else value:
            where = f"{path}.{key}" if path else key
            if where in unknown:
                found[f"unknown field {go_quote(where)}"] = None
                continue
            if key in seen:
                found[f"duplicate field {go_quote(where)}"] = None
            seen.add(key)
            if where not in raw:
                visit(item, where)

    visit(document, "")
    return list(found)[:_MAX_PROBLEMS]


def _summary(body: bytes) -> str:
    """How a body begins: as text if it looks like JSON, else in hex."""
    if not body:
        return "<empty>"
    head = body[:_SUMMARY]
    text = head.decode(errors="replace") if body[:1] == b"{" else head.hex()
    return f"{text} ..." if len(body) > _SUMMARY else text
