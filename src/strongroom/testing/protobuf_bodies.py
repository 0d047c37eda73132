"""Protobuf request bodies made by Google's library, from objects as JSON has them.

The library knows the messages by descriptors that are made of a `TypeTable`; nothing of our own reader is in
here, which is what the bodies are for.
"""

from base64 import b64decode
from datetime import datetime
from typing import Any

import orjson
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from strongroom.machinery.codec.types import Field, Type, TypeTable

_Proto = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "string": _Proto.TYPE_STRING,
    "int32": _Proto.TYPE_INT32,
    "int64": _Proto.TYPE_INT64,
    "bool": _Proto.TYPE_BOOL,
    "bytes": _Proto.TYPE_BYTES,
    "double": _Proto.TYPE_DOUBLE,
}
_ZEROES: dict[str, Any] = {"string": "", "int32": 0, "int64": 0, "bool": False, "bytes": "", "double": 0.0}
_BEHIND = TypeTable(
    {
        "k8s.v1.Time": "1 seconds int64; 2 nanos int32",
        "k8s.v1.Quantity": "1 string string",
        "k8s.v1.IntOrString": "1 type int64; 2 intVal int32; 3 strVal string",
        "k8s.v1.FieldsV1": "1 Raw bytes",
        "k8s.v1.Strings": "1 items []string",
        "k8s.v1.TypeMeta": "1 apiVersion string; 2 kind string",
        "k8s.v1.Unknown": "1 typeMeta TypeMeta; 2 raw bytes; 3 contentEncoding string; 4 contentType string",
    }
)
_STAND_FOR = {"MicroTime": "Time", "list": "Strings"}


def _name(message: str) -> str:
    return message.replace(".", "_")


class Bodies:
    """Encodes objects of the messages of `table`."""

    def __init__(self, table: TypeTable) -> None:
        self._table = table
        file = descriptor_pb2.FileDescriptorProto(name="k8s.proto", package="k8s", syntax="proto2")
        for known in (_BEHIND, table):
            for message in known.messages():
                _describe(file, message, known)
        self._pool = descriptor_pool.DescriptorPool()
        self._pool.AddSerializedFile(file.SerializeToString())

    def encode(self, message: str, obj: dict[str, Any], *, as_go: bool = False) -> bytes:
        """The bytes of a message (`core.v1.Secret`).

        `as_go`: with the zeroes that Go's encoder writes for what is no pointer."""
        made = self._new(message)
        self._fill(made, message, obj, as_go)
        encoded: bytes = made.SerializeToString(deterministic=True)
        return encoded

    def body(
        self, message: str, api_version: str, kind: str, obj: dict[str, Any], *, as_go: bool = False
    ) -> bytes:
        """A request's body: the message in its envelope."""
        unknown = self._new("k8s.v1.Unknown")
        unknown.f1.f1, unknown.f1.f2 = api_version, kind
        unknown.f2 = self.encode(message, obj, as_go=as_go)
        unknown.f3 = unknown.f4 = ""
        return b"k8s\0" + bytes(unknown.SerializeToString())

    def _new(self, message: str) -> Any:
        found = self._pool.FindMessageTypeByName(f"k8s.{_name(message)}")
        return message_factory.GetMessageClass(found)()

    def _fill(self, target: Any, message: str, obj: dict[str, Any], as_go: bool) -> None:
        for field in self._table.fields(message):
            if not field.number:
                continue
            name = f"f{field.number}"
            if field.embedded:
                inside = {each.name for each in self._table.json_fields(field.type.message)}
                if as_go or inside & obj.keys():
                    getattr(target, name).SetInParent()
                    self._fill(getattr(target, name), field.type.message, obj, as_go)
            elif field.name in obj:
                self._put(target, name, field.type, obj[field.name], as_go)
            elif as_go and not field.pointer:
                self._zero(target, name, field)

    def _zero(self, target: Any, name: str, field: Field) -> None:
        kind = field.type.kind
        if kind in _SCALARS:
            # Go leaves out bytes that are nil.
            if kind != "bytes":
                setattr(target, name, _ZEROES[kind])
        elif kind == "message":
            getattr(target, name).SetInParent()
            self._fill(getattr(target, name), field.type.message, {}, True)
        elif kind in ("Time", "MicroTime"):
            getattr(target, name).SetInParent()

    def _put(self, target: Any, name: str, kind: Type, value: Any, as_go: bool) -> None:
        if kind.kind == "list" and kind.element:
            for item in value:
                if kind.element.kind in _SCALARS:
                    getattr(target, name).append(_scalar(kind.element, item))
                else:
                    self._set(getattr(target, name).add(), kind.element, item, as_go)
        elif kind.kind == "map" and kind.element:
            for key, item in value.items():
                if kind.element.kind in _SCALARS:
                    getattr(target, name)[key] = _scalar(kind.element, item)
                else:
                    self._set(getattr(target, name)[key], kind.element, item, as_go)
        elif kind.kind in _SCALARS:
            setattr(target, name, _scalar(kind, value))
        else:
            self._set(getattr(target, name), kind, value, as_go)

    def _set(self, target: Any, kind: Type, value: Any, as_go: bool) -> None:
        target.SetInParent()
        if kind.kind == "message":
            self._fill(target, kind.message, value, as_go)
        elif kind.kind == "list":
            target.f1.extend(value)
        elif kind.kind == "Quantity":
            target.f1 = value
        elif kind.kind == "FieldsV1":
            target.f1 = orjson.dumps(value)
        elif kind.kind == "IntOrString":
            is_text = isinstance(value, str)
            target.f1, target.f2, target.f3 = (1, 0, value) if is_text else (0, value, "")
        else:
            moment = datetime.fromisoformat(value)
            target.f1, target.f2 = int(moment.timestamp() // 1), moment.microsecond * 1000


def _scalar(kind: Type, value: Any) -> Any:
    return b64decode(value) if kind.kind == "bytes" else value


def _describe(file: Any, message: str, table: TypeTable) -> None:
    """Adds a message as proto2, which is how Kubernetes publishes them."""
    described = file.message_type.add(name=_name(message))
    for field in table.fields(message):
        if not field.number:
            continue
        added = described.field.add(name=f"f{field.number}", number=field.number, label=_Proto.LABEL_OPTIONAL)
        kind = field.type
        if kind.element:
            added.label = _Proto.LABEL_REPEATED
        if kind.kind == "map" and kind.element:
            entry = described.nested_type.add(name=f"F{field.number}Entry")
            entry.options.map_entry = True
            entry.field.add(name="key", number=1, label=_Proto.LABEL_OPTIONAL, type=_Proto.TYPE_STRING)
            _type(entry.field.add(name="value", number=2, label=_Proto.LABEL_OPTIONAL), kind.element)
            added.type, added.type_name = _Proto.TYPE_MESSAGE, f".k8s.{described.name}.{entry.name}"
        else:
            _type(added, kind.element or kind)


def _type(field: Any, kind: Type) -> None:
    if kind.kind in _SCALARS:
        field.type = _SCALARS[kind.kind]
        return
    name = kind.message or f"k8s.v1.{_STAND_FOR.get(kind.kind, kind.kind)}"
    field.type, field.type_name = _Proto.TYPE_MESSAGE, f".k8s.{_name(name)}"
