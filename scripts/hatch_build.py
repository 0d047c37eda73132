"""Writes `src/strongroom/api/_generated_schema.*`: what the package knows of the shape of Kubernetes' kinds.

Three sources go in: the OpenAPI definitions that the `kubernetes-validate` distribution carries, cut to the
kinds we serve and what they refer to; `src/strongroom/api/protobuf_table.txt`, which must agree with them on
every field (where they don't, the build ends with the list); and `enum_table.txt` beside it. hatchling calls
this before it builds a wheel or an editable install; `python scripts/hatch_build.py` does the same by hand.
"""

import importlib.metadata
import re
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import orjson
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

KUBERNETES = "v1.36.0"

KINDS = {
    "core.v1": "Namespace Secret ConfigMap ServiceAccount Node Pod Event Binding Service Endpoints "
    "ResourceQuota LimitRange",
    "apps.v1": "Deployment ReplicaSet",
    "batch.v1": "Job CronJob",
    "rbac.v1": "Role RoleBinding ClusterRole ClusterRoleBinding",
    "authentication.v1": "TokenReview TokenRequest SelfSubjectReview",
    "authorization.v1": "SubjectAccessReview SelfSubjectAccessReview LocalSubjectAccessReview "
    "SelfSubjectRulesReview",
    "coordination.v1": "Lease",
    "events.v1": "Event",
    "discovery.v1": "EndpointSlice",
    "policy.v1": "Eviction",
    "autoscaling.v1": "Scale",
    "scheduling.v1": "PriorityClass",
    "meta.v1": "DeleteOptions Status",
}
"""The kinds that are decoded. A kind's list comes along where there is one."""

DEFAULTS: dict[tuple[str, str], Any] = {
    ("core.v1.ContainerPort", "protocol"): "TCP",
    ("core.v1.ServicePort", "protocol"): "TCP",
    ("core.v1.AzureDiskVolumeSource", "cachingMode"): "ReadWrite",
    ("core.v1.AzureDiskVolumeSource", "fsType"): "ext4",
    ("core.v1.AzureDiskVolumeSource", "kind"): "Shared",
    ("core.v1.AzureDiskVolumeSource", "readOnly"): False,
    ("core.v1.ISCSIVolumeSource", "iscsiInterface"): "default",
    ("core.v1.RBDVolumeSource", "keyring"): "/etc/ceph/keyring",
    ("core.v1.RBDVolumeSource", "pool"): "rbd",
    ("core.v1.RBDVolumeSource", "user"): "admin",
    ("core.v1.ScaleIOVolumeSource", "fsType"): "xfs",
    ("core.v1.ScaleIOVolumeSource", "storageMode"): "ThinProvisioned",
}
"""Schema defaults, which the definitions of `kubernetes-validate` have lost."""

SPECIAL: dict[str, dict[str, Any]] = {
    "IntOrString": {"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]},
    "Quantity": {"oneOf": [{"type": "string"}, {"type": "number"}]},
}
"""Types that are one of two JSON types, as `/openapi/v3` words them."""

_PACKAGES = ("io.k8s.api.", "io.k8s.apimachinery.pkg.apis.meta.v1.")
_ROOT = Path(__file__).resolve().parent.parent


class CustomBuildHook(BuildHookInterface[Any]):
    """hatchling's way in."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        write(Path(self.root))


def short(name: str) -> str:
    """`core.v1.Secret` for `io.k8s.api.core.v1.Secret`."""
    return ".".join(name.split(".")[-3:])


def definitions() -> dict[str, dict[str, Any]]:
    """All definitions of the Kubernetes version, by their full names."""
    spec = find_spec("kubernetes_validate")
    if spec is None or spec.origin is None:
        sys.exit("kubernetes-validate is not installed: the schemas are made from it")
    folder = Path(spec.origin).parent / "kubernetes-json-schema" / f"{KUBERNETES}-local"
    loaded: dict[str, dict[str, Any]] = orjson.loads((folder / "_definitions.json").read_bytes())["$defs"]
    return loaded


def wanted(all_definitions: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The definitions of our kinds, their lists and all they refer to."""
    by_short = {short(name): name for name in all_definitions if name.startswith(_PACKAGES)}
    queue = [f"{package}.{kind}" for package, kinds in KINDS.items() for kind in kinds.split()]
    queue += [f"{name}List" for name in queue if f"{name}List" in by_short]
    names = [by_short[name] for name in queue]
    found: dict[str, dict[str, Any]] = {}
    while names:
        name = names.pop()
        if name not in found:
            found[name] = all_definitions[name]
            names += re.findall(r'"#/\$defs/([^"]+)"', orjson.dumps(all_definitions[name]).decode())
    return dict(sorted(found.items()))


def polish(name: str, definition: dict[str, Any]) -> dict[str, Any]:
    """A definition as OpenAPI 3.0 has it: null is no type, references point into `components`."""
    special = SPECIAL.get(name.rsplit(".", 1)[-1])
    if special is not None:
        return {**definition, **special}
    polished: dict[str, Any] = _polish(definition)
    for field, schema in polished.get("properties", {}).items():
        if field in ("kind", "apiVersion"):
            schema.pop("enum", None)
        if (short(name), field) in DEFAULTS:
            schema["default"] = DEFAULTS[short(name), field]
    return polished


def _polish(node: Any) -> Any:
    if isinstance(node, list):
        return [_polish(item) for item in node]
    if not isinstance(node, dict):
        return node
    out = {key: _polish(value) for key, value in node.items()}
    if isinstance(out.get("type"), list):
        out["type"] = next(kind for kind in out["type"] if kind != "null")
    reference = out.pop("$ref", None)
    if reference is not None:
        pointer = {"$ref": "#/components/schemas/" + reference.rsplit("/", 1)[-1]}
        return {**out, "allOf": [pointer]} if out else pointer
    return out


def table() -> dict[str, str]:
    """Message -> its fields, with every name written in full."""
    messages: dict[str, str] = {}
    package = ""
    for line in (_ROOT / "src/strongroom/api/protobuf_table.txt").read_text().splitlines():
        if line.startswith("["):
            package = line.strip("[]")
        elif line and not line.startswith("#"):
            name, fields = line.split(": ", 1)
            messages[f"{package}.{name}"] = fields
    return messages


def json_names(messages: dict[str, str], message: str) -> set[str]:
    """The field names of a message in JSON."""
    names: set[str] = set()
    for field in messages[message].split("; "):
        _, name, notation = field.split(" ")
        if name.startswith("+"):
            names |= json_names(messages, f"{message.rsplit('.', 1)[0]}.{notation}")
        else:
            names.add(name)
    return names


def enums() -> dict[str, list[str]]:
    """Named type -> the values that it can have."""
    lines = (_ROOT / "src/strongroom/api/enum_table.txt").read_text().splitlines()
    pairs = (line.split(": ", 1) for line in lines if line and line[0] not in "#[")
    return {name: ["" if value == '""' else value for value in values.split()] for name, values in pairs}


def field_types(messages: dict[str, str], message: str) -> dict[str, str]:
    """Field -> the name that its type has in Go, for the fields of a message whose type has one."""
    found: dict[str, str] = {}
    for field in messages.get(message, "").split("; "):
        _, name, notation = field.split(" ") if field else ("", "", "")
        if name.startswith("+"):
            found |= field_types(messages, f"{message.rsplit('.', 1)[0]}.{notation}")
        elif "=" in notation:
            found[name] = notation.partition("=")[0].lstrip("[]*").rpartition(".")[2]
    return found


def enumerate_values(definition: dict[str, Any], types: dict[str, str], known: dict[str, list[str]]) -> None:
    """Give each field whose type is an enumeration its values, and tell them in its description, as the
    API's live documents do. Elements of a list have values, but no description."""
    for field, schema in definition.get("properties", {}).items():
        values = known.get(types.get(field, ""))
        if values is None:
            continue
        if schema["type"] == "array":
            schema["items"]["enum"] = values
        else:
            schema["enum"] = values
            listed = "".join(f'\n - `"{value}"`' for value in values)
            schema["description"] += f"\n\nPossible enum values:{listed}"


def disagreements(messages: dict[str, str], chosen: dict[str, dict[str, Any]]) -> list[str]:
    """What the table and the definitions say differently."""
    problems = []
    for name, definition in chosen.items():
        if "properties" not in definition or name.endswith(("List", "ListMeta")):
            continue
        if short(name) not in messages:
            problems.append(f"{short(name)} is not in the table")
            continue
        properties, fields = set(definition["properties"]), json_names(messages, short(name))
        problems += [f"{short(name)}.{field}: not in the table" for field in sorted(properties - fields)]
        problems += [
            f"{short(name)}.{field}: not in the definitions" for field in sorted(fields - properties)
        ]
    return problems


def kinds(chosen: dict[str, dict[str, Any]]) -> dict[str, str]:
    """`‹group›/‹version›/‹kind›` -> message."""
    index = {}
    for name, definition in chosen.items():
        for gvk in definition.get("x-kubernetes-group-version-kind", ()):
            index[f"{gvk['group']}/{gvk['version']}/{gvk['kind']}"] = short(name)
    return index


def merges(chosen: dict[str, dict[str, Any]]) -> dict[str, dict[str, tuple[str, str]]]:
    """Message -> field -> (patch strategies joined by commas, merge key), for fields that have any."""
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for name, definition in chosen.items():
        for field, schema in definition.get("properties", {}).items():
            strategy = schema.get("x-kubernetes-patch-strategy")
            if strategy:
                key = schema.get("x-kubernetes-patch-merge-key", "")
                found.setdefault(short(name), {})[field] = (strategy, key)
    return found


def owners(chosen: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Server-side apply's view. `atomic`: messages that are owned as one. `fields`: message -> field ->
    "atomic", "granular", "set" or the keys of a list's elements joined by commas, where upstream says so;
    its rules are those of `k8s.io/kube-openapi/pkg/schemaconv`. `defaults`: of fields that can be keys."""
    fields: dict[str, dict[str, str]] = {}
    atomic = [
        short(name) for name, schema in chosen.items() if schema.get("x-kubernetes-map-type") == "atomic"
    ]
    for name, definition in chosen.items():
        for field, schema in definition.get("properties", {}).items():
            kind = schema.get("x-kubernetes-list-type") or schema.get("x-kubernetes-map-type")
            keys = schema.get("x-kubernetes-list-map-keys", [])
            if not kind and "merge" in schema.get("x-kubernetes-patch-strategy", "").split(","):
                key = schema.get("x-kubernetes-patch-merge-key")
                kind, keys = ("map", [key]) if key else ("set", [])
            if kind:
                fields.setdefault(short(name), {})[field] = ",".join(keys) if kind == "map" else kind
    defaults: dict[str, dict[str, Any]] = {}
    for (message, field), value in DEFAULTS.items():
        defaults.setdefault(message, {})[field] = value
    return {"atomic": atomic, "fields": fields, "defaults": defaults}


def licence() -> str:
    """The licence text of the distribution that the definitions come from."""
    files = importlib.metadata.files("kubernetes-validate") or []
    texts = [file.read_text() for file in files if file.name == "LICENSE"]
    if not texts:
        sys.exit("kubernetes-validate has no licence text: its definitions must not be shipped without")
    release = importlib.metadata.version("kubernetes-validate")
    return (
        "The file beside this one holds definitions of Kubernetes (Apache License 2.0), taken from the\n"
        f"distribution kubernetes-validate {release}, whose notice follows.\n\n{texts[0]}"
    )


def write(root: Path) -> Path:
    """Writes the generated files below `root`; the same input gives the same bytes."""
    chosen = wanted(definitions())
    messages = table()
    problems = disagreements(messages, chosen)
    if problems:
        sys.exit("\n".join(["the table of fields and the OpenAPI definitions disagree:", *problems]))
    types = {
        "kubernetes": KUBERNETES,
        "kinds": kinds(chosen),
        "types": messages,
        "merges": merges(chosen),
        "owners": owners(chosen),
    }
    polished = {name: polish(name, definition) for name, definition in chosen.items()}
    known = enums()
    for name, definition in polished.items():
        enumerate_values(definition, field_types(messages, short(name)), known)
    target = root / "src/strongroom/api/_generated_schema.zip"
    partial = target.with_suffix(".tmp")
    with zipfile.ZipFile(partial, "w") as archive:
        for member, content in (("types.json", types), ("definitions.json", polished)):
            entry = zipfile.ZipInfo(member, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, orjson.dumps(content, option=orjson.OPT_SORT_KEYS), compresslevel=9)
    partial.replace(target)
    target.with_suffix(".LICENSE.txt").write_text(licence())
    return target


if __name__ == "__main__":
    written = write(_ROOT)
    print(f"{written.relative_to(_ROOT)}: {written.stat().st_size // 1024} KiB")
