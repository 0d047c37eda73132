"""The environment of a container: order, references, expansion, and what is told when one is missing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.machinery.gvk import Object
from strongroom.node import env
from strongroom.node.lookup import NotSyncedError

SECRET = {"data": {"user": "YWRtaW4=", "password": "aHVudGVyMg==", "raw": "/w==", "nul": "AA=="}}
CONFIG_MAP = {"data": {"color": "red", "user": "from-map"}}
POD: Object = {
    "metadata": {
        "name": "p",
        "namespace": "ns",
        "uid": "u1",
        "labels": {"app": "web"},
        "annotations": {"note": "hi"},
    },
    "spec": {"nodeName": "n1", "serviceAccountName": "robot"},
}
FACTS = env.PodFacts("n1", ("192.0.2.1",), ("10.0.0.7", "fd00::7"), {"cpu": "4", "memory": "8Gi"})


class Objects:
    """Holds one Secret `s`, one ConfigMap `c`; the Secret `unread` is not known yet."""

    def secret(self, namespace: str, name: str) -> Object | None:
        if name == "unread":
            raise NotSyncedError("secret")
        return SECRET if (namespace, name) == ("ns", "s") else None

    def config_map(self, namespace: str, name: str) -> Object | None:
        return CONFIG_MAP if (namespace, name) == ("ns", "c") else None


def build(*variables: Object, sources: tuple[Object, ...] = (), **more: object) -> env.Environment:
    container = {"name": "c", "env": list(variables), "envFrom": list(sources), **more}
    return env.build(POD, container, Objects(), FACTS)


def secret_ref(name: str, key: str, *, of: str = "s", **more: object) -> Object:
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": of, "key": key, **more}}}


def test_values_of_a_secret_arrive_as_they_are() -> None:
    found = build(secret_ref("USER", "user"), secret_ref("RAW", "raw"))
    assert found.values == {"USER": b"admin", "RAW": b"\xff"}
    assert found.secret == {"USER", "RAW"}


def test_env_from_with_prefix() -> None:
    sources = ({"prefix": "New", "configMapRef": {"name": "c"}}, {"configMapRef": {"name": "c"}})
    assert build(sources=sources).values == {
        "Newcolor": b"red",
        "Newuser": b"from-map",
        "color": b"red",
        "user": b"from-map",
    }


@pytest.mark.parametrize(("field", "kind"), [("secretRef", "secret"), ("configMapRef", "config_map")])
def test_no_key_of_env_from_is_left_out_for_its_name(field: str, kind: str) -> None:
    """Any printable name without `=` is one; the API lets no other be a key or a prefix."""
    keys = ["1st", "a.b", "tls.crt", "-", "_", "._x", "with-dash", "0"]
    held: Object = {"data": dict.fromkeys(keys, "eA==" if kind == "secret" else "x")}

    class Holder(Objects):
        def secret(self, namespace: str, name: str) -> Object | None:
            return held

        def config_map(self, namespace: str, name: str) -> Object | None:
            return held

    for prefix in ("", "9 odd%prefix-"):
        container = {"name": "c", "envFrom": [{"prefix": prefix, field: {"name": "any"}}]}
        found = env.build(POD, container, Holder(), FACTS).values
        assert found == {prefix + key: b"x" for key in keys}


def test_bytes_of_a_config_map_are_for_files_alone() -> None:
    class Holder(Objects):
        def config_map(self, namespace: str, name: str) -> Object | None:
            return {"data": {"text": "x"}, "binaryData": {"raw": "/w=="}}

    container: Object = {"name": "c", "envFrom": [{"configMapRef": {"name": "c"}}]}
    assert env.build(POD, container, Holder(), FACTS).values == {"text": b"x"}
    container["env"] = [{"name": "K", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "raw"}}}]
    with pytest.raises(env.EnvError, match=r"^couldn't find key raw in ConfigMap ns/c$"):
        env.build(POD, container, Holder(), FACTS)


def test_later_wins_and_env_wins_over_env_from() -> None:
    sources = ({"configMapRef": {"name": "c"}},)
    found = build({"name": "user", "value": "x"}, {"name": "user", "value": "y"}, sources=sources)
    assert found.values["user"] == b"y"


def test_references_to_earlier_variables() -> None:
    found = build(
        {"name": "A", "value": "one"},
        {"name": "B", "value": "$(A)-$$(A)-$(LATER)-$(A"},
        {"name": "LATER", "value": "two"},
    )
    assert found.values["B"] == b"one-$(A)-$(LATER)-$(A"


def test_a_value_made_of_a_secret_is_secret_too() -> None:
    found = build(
        secret_ref("P", "password"), {"name": "URL", "value": "db://$(P)@h"}, {"name": "X", "value": "1"}
    )
    assert found.values["URL"] == b"db://hunter2@h"
    assert found.secret == {"P", "URL"}


def test_values_of_secrets_are_not_expanded() -> None:
    data = {"data": {"k": "JChBKQ=="}}  # $(A)

    class Holder(Objects):
        def secret(self, namespace: str, name: str) -> Object | None:
            return data

    container = {"name": "c", "env": [{"name": "A", "value": "1"}, secret_ref("K", "k")]}
    assert env.build(POD, container, Holder(), FACTS).values["K"] == b"$(A)"


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        (secret_ref("K", "user", of="gone"), 'secret "gone" not found'),
        (secret_ref("K", "none"), "couldn't find key none in Secret ns/s"),
        (
            {"name": "K", "valueFrom": {"configMapKeyRef": {"name": "gone", "key": "k"}}},
            'configmap "gone" not found',
        ),
        (
            {"name": "K", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}},
            "couldn't find key k in ConfigMap ns/c",
        ),
        (secret_ref("K", "nul"), "environment variable K contains a NUL byte"),
        ({"name": "K", "valueFrom": {"fieldRef": {"fieldPath": "spec.x"}}}, "unsupported fieldPath: spec.x"),
    ],
)
def test_what_is_missing_is_told(variable: Object, text: str) -> None:
    with pytest.raises(env.EnvError) as error:
        build(variable)
    assert str(error.value) == text


def test_missing_sources_are_told_unless_optional() -> None:
    with pytest.raises(env.EnvError, match=r'^secret "gone" not found$'):
        build(sources=({"secretRef": {"name": "gone"}},))
    optional = (
        {"secretRef": {"name": "gone", "optional": True}},
        {"configMapRef": {"name": "x", "optional": True}},
    )
    found = build(
        secret_ref("A", "user", of="gone", optional=True),
        secret_ref("B", "none", optional=True),
        sources=optional,
    )
    assert found.values == {}


def test_an_object_that_was_not_read_yet_is_no_missing_object() -> None:
    with pytest.raises(
        NotSyncedError, match="failed to sync secret cache: timed out waiting for the condition"
    ):
        build(secret_ref("A", "user", of="unread", optional=True))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.name", "p"),
        ("metadata.namespace", "ns"),
        ("metadata.uid", "u1"),
        ("metadata.labels['app']", "web"),
        ("metadata.annotations['note']", "hi"),
        ("metadata.annotations['none']", ""),
        ("spec.nodeName", "n1"),
        ("spec.serviceAccountName", "robot"),
        ("status.hostIP", "192.0.2.1"),
        ("status.hostIPs", "192.0.2.1"),
        ("status.podIP", "10.0.0.7"),
        ("status.podIPs", "10.0.0.7,fd00::7"),
    ],
)
def test_fields(path: str, value: str) -> None:
    found = build({"name": "F", "valueFrom": {"fieldRef": {"fieldPath": path}}})
    assert found.values["F"].decode() == value
    assert not found.secret


def test_resources_of_the_container_itself() -> None:
    reference = {"name": "R", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1m"}}}
    assert build(reference, resources={"limits": {"cpu": "1500m"}}).values["R"] == b"1500"
    assert build(reference).values["R"] == b"4000"


def test_an_environment_does_not_print() -> None:
    assert "hunter2" not in repr(build(secret_ref("P", "password")))


@given(st.text(alphabet="a$()B ", max_size=20))
def test_expansion_of_text_without_known_names_only_unescapes(text: str) -> None:
    assert env.expand(text, lambda _: None).decode().count("$") <= text.count("$")
    assert env.expand(text.replace("$", "$$"), lambda _: b"!").decode() == text


def test_commands_are_expanded_with_the_finished_environment() -> None:
    found = build({"name": "A", "value": "1"}, secret_ref("RAW", "raw"))
    assert env.expand_all(["$(A)$(RAW)", "$(NONE)"], found) == ["1�", "$(NONE)"]
