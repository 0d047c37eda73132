"""The defaults of a Pod's volumes (`pkg/apis/core/v1/defaults.go`, and those that the types state)."""

from collections.abc import Mapping
from typing import Any, Final

from strongroom.machinery.gvk import Object

MODE: Final = 0o644
TOKEN_SECONDS: Final = 3600
_IF_ABSENT: Final[Mapping[str, Mapping[str, Any]]] = {
    "hostPath": {"type": ""},
    "azureDisk": {"cachingMode": "ReadWrite", "fsType": "ext4", "readOnly": False, "kind": "Shared"},
    **{kind: {"defaultMode": MODE} for kind in ("secret", "configMap", "downwardAPI", "projected")},
}
_IF_EMPTY: Final[Mapping[str, Mapping[str, Any]]] = {
    "iscsi": {"iscsiInterface": "default"},
    "rbd": {"pool": "rbd", "user": "admin", "keyring": "/etc/ceph/keyring"},
    "scaleIO": {"storageMode": "ThinProvisioned", "fsType": "xfs"},
}


def apply(volume: Object) -> None:
    """Fills in what is missing, in place."""
    kinds = [kind for kind, source in volume.items() if isinstance(source, dict)]
    if not kinds:
        volume["emptyDir"] = {}
    for kind in kinds:
        source = volume[kind]
        for field, value in _IF_ABSENT.get(kind, {}).items():
            source.setdefault(field, value)
        for field, value in _IF_EMPTY.get(kind, {}).items():
            source[field] = source.get(field) or value
    _downward(volume.get("downwardAPI"))
    for source in (volume.get("projected") or {}).get("sources") or ():
        _downward(source.get("downwardAPI"))
        if (token := source.get("serviceAccountToken")) is not None:
            token.setdefault("expirationSeconds", TOKEN_SECONDS)
    if (template := (volume.get("ephemeral") or {}).get("volumeClaimTemplate")) is not None:
        claim = template.setdefault("spec", {})
        claim.setdefault("volumeMode", "Filesystem")
        for field in ("dataSource", "dataSourceRef"):
            if (origin := claim.get(field)) is not None:
                origin.setdefault("apiGroup", None)  # Kubernetes shows it always


def references(holder: Object) -> None:
    """Of an environment source or a downward API file."""
    if (field := holder.get("fieldRef")) is not None and not field.get("apiVersion"):
        field["apiVersion"] = "v1"
    if (amount := holder.get("resourceFieldRef")) is not None:
        amount.setdefault("divisor", "0")


def _downward(source: Any) -> None:
    for item in (source or {}).get("items") or ():
        references(item)
