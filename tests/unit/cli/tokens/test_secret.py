"""What a bootstrap token's Secret holds, and what is shown of it."""

import base64
from datetime import UTC, datetime

from strongroom.api.core.v1 import bootstrap_token
from strongroom.api.core.v1.bootstrap_token import Token
from strongroom.cli.tokens import secret as secrets
from strongroom.machinery.gvk import Object

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TOKEN = Token("abcdef", "0123456789abcdef")


def _made(ttl: float = 3600, **more: object) -> Object:
    settings: dict[str, object] = {
        "description": "rack 7",
        "groups": ["system:bootstrappers:a"],
        "usages": ["signing", "authentication"],
        **more,
    }
    made = secrets.make(TOKEN, ttl=ttl, now=NOW, **settings)  # type: ignore[arg-type]
    text = made.pop("stringData")
    return {**made, "data": {key: base64.b64encode(value.encode()).decode() for key, value in text.items()}}


def test_generated_tokens_are_tokens_and_differ() -> None:
    made = [secrets.generate() for _ in range(50)]
    assert len(set(made)) == 50
    assert all(bootstrap_token.parse(f"{each.id}.{each.secret}") == each for each in made)


def test_a_token_does_not_print_its_secret() -> None:
    assert "0123456789abcdef" not in repr(TOKEN)


def test_the_secret_is_as_kubeadm_makes_it() -> None:
    made = secrets.make(TOKEN, ttl=60, description="", groups=[], usages=["authentication"], now=NOW)
    assert made["metadata"] == {"name": "bootstrap-token-abcdef", "namespace": "kube-system"}
    assert made["type"] == "bootstrap.kubernetes.io/token"
    assert made["stringData"] == {
        "token-id": "abcdef",
        "token-secret": "0123456789abcdef",
        "expiration": "2026-01-02T03:05:05Z",
        "usage-bootstrap-authentication": "true",
    }


def test_one_without_an_end_has_no_expiration() -> None:
    assert "expiration" not in _made(ttl=0)["data"]


def test_a_list_shows_no_secret() -> None:
    shown = [secrets.show(_made()), secrets.show(_made(ttl=0, description="", groups=[]))]
    table = secrets.table(shown, NOW)
    assert "0123456789abcdef" not in table
    assert [line.split() for line in table.splitlines()] == [
        ["TOKEN", "TTL", "EXPIRES", "USAGES", "DESCRIPTION", "EXTRA", "GROUPS"],
        [
            "abcdef",
            "60m",
            "2026-01-02T04:04:05Z",
            "signing,authentication",
            "rack",
            "7",
            "system:bootstrappers:a",
        ],
        ["abcdef", "<forever>", "<never>", "signing,authentication", "<none>", "<none>"],
    ]


def test_one_that_has_ended_is_shown_so() -> None:
    late = datetime(2026, 1, 3, tzinfo=UTC)
    assert "<expired>" in secrets.table([secrets.show(_made())], late)


def test_the_document_for_programs() -> None:
    assert secrets.document(secrets.show(_made(), "abcdef.0123456789abcdef")) == {
        "kind": "BootstrapToken",
        "token": "abcdef.0123456789abcdef",
        "expires": "2026-01-02T04:04:05Z",
        "usages": ["signing", "authentication"],
        "description": "rack 7",
        "groups": ["system:bootstrappers:a"],
    }
