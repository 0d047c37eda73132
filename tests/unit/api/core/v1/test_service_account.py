"""ServiceAccounts."""

from datetime import UTC, datetime
from typing import Any

from strongroom.api import resources
from strongroom.api.scheme import STRATEGIES

STRATEGY = STRATEGIES[resources.SERVICE_ACCOUNTS]


def make(**fields: Any) -> dict[str, Any]:
    obj: dict[str, Any] = {"kind": "ServiceAccount", "apiVersion": "v1", "metadata": {"name": "a"}, **fields}
    STRATEGY.convert(obj)
    return obj


def test_secrets_keep_their_names_only() -> None:
    obj = make(secrets=[{"name": "s", "kind": "Secret", "uid": "1"}])
    STRATEGY.prepare_for_create(obj)
    assert obj["secrets"] == [{"name": "s"}]
    changed = make(secrets=[{"name": "t", "namespace": "other"}])
    STRATEGY.prepare_for_update(changed, obj)
    assert changed["secrets"] == [{"name": "t"}]


def test_fields_come_in_kubernetes_order_without_empty_ones() -> None:
    obj = make(automountServiceAccountToken=False, imagePullSecrets=[{"name": "p"}], secrets=[])
    assert list(obj) == ["kind", "apiVersion", "metadata", "imagePullSecrets", "automountServiceAccountToken"]
    assert obj["automountServiceAccountToken"] is False


def test_the_deprecated_annotation_warns_when_it_is_set_or_changed() -> None:
    plain = make()
    enforced = make()
    enforced["metadata"]["annotations"] = {"kubernetes.io/enforce-mountable-secrets": "true"}
    warning = (
        "metadata.annotations[kubernetes.io/enforce-mountable-secrets]: deprecated in v1.32+; prefer "
        "separate "
        "namespaces to isolate access to mounted secrets"
    )
    assert STRATEGY.warnings(plain, None) == ()
    assert STRATEGY.warnings(enforced, None) == STRATEGY.warnings(enforced, plain) == (warning,)
    assert STRATEGY.warnings(enforced, enforced) == ()


def test_row() -> None:
    obj = make()
    obj["metadata"]["creationTimestamp"] = "2026-01-02T03:04:00Z"
    assert STRATEGY.row(obj, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)) == ["a", "5s"]
