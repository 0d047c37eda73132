"""A KMS v2 plugin: asked ahead, trusted for a while when it is silent, and named when it does not open."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.encryption import encrypted_object, inspection
from strongroom.encryption.envelope import EnvelopeTransformer
from strongroom.encryption.kms import plugin as plugins
from strongroom.encryption.kms.plugin import Plugin
from strongroom.encryption.transformer import TransformError, WrongKey
from strongroom.testing.fake_kms import ANNOTATION, FakeKMS

KEY = b"/registry/secrets/a/b"


@pytest.fixture
def kms() -> Iterator[FakeKMS]:
    with tempfile.TemporaryDirectory(prefix="kms-") as folder, FakeKMS(Path(folder, "s")) as fake:
        yield fake


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def plugin(kms: FakeKMS, clock: Clock) -> Iterator[Plugin]:
    plugin = Plugin("own", kms.endpoint, 3.0, monotonic=clock)
    assert plugin.poll() and plugin.problem == ""
    yield plugin
    plugin.close()


def test_values_are_written_without_asking_and_read_by_another_process(kms: FakeKMS, plugin: Plugin) -> None:
    writing = EnvelopeTransformer(plugin, "own")
    stored = [writing.to_storage(b"value %d" % n, KEY) for n in range(20)]
    assert kms.calls == ["Status", "Encrypt"]
    assert {inspection.key_of(value) for value in stored} == {"kms/own/kms-1"}
    other = Plugin("own", kms.endpoint, 3.0)
    other.poll()
    reading = EnvelopeTransformer(other, "own")
    kms.calls.clear()
    assert [reading.from_storage(value, KEY) for value in stored] == [
        (b"value %d" % n, False) for n in range(20)
    ]
    assert kms.calls == ["Decrypt"], "once per seed"
    message = encrypted_object.decode(stored[0].removeprefix(b"k8s:enc:kms:v2:own:"))
    assert message.annotations == ((ANNOTATION, b"kms-1"),)
    other.close()


def test_another_key_is_used_once_it_is_noticed_and_makes_old_values_stale(
    kms: FakeKMS, plugin: Plugin
) -> None:
    transformer = EnvelopeTransformer(plugin, "own")
    old = transformer.to_storage(b"old", KEY)
    assert not plugin.poll()
    new_id = kms.rotate()
    assert inspection.key_of(transformer.to_storage(b"x", KEY)) == "kms/own/kms-1"
    assert plugin.poll()
    new = transformer.to_storage(b"new", KEY)
    assert inspection.key_of(new) == f"kms/own/{new_id}"
    assert transformer.from_storage(old, KEY) == (b"old", True)
    assert transformer.from_storage(new, KEY) == (b"new", False)


def test_silent_plugin_is_written_with_for_three_minutes_and_read_with_for_longer(
    kms: FakeKMS, plugin: Plugin, clock: Clock
) -> None:
    transformer = EnvelopeTransformer(plugin, "own")
    stored = transformer.to_storage(b"value", KEY)
    assert plugin.interval == plugins.POLL_SECONDS
    kms.health = "the disk says canary"
    assert not plugin.poll()
    assert plugin.interval == plugins.POLL_SECONDS_UNHEALTHY
    assert "not healthy" in plugin.problem and "canary" not in plugin.problem
    clock.now += plugins.GRACE_SECONDS - 1
    transformer.to_storage(b"value", KEY)
    clock.now += 2
    with pytest.raises(TransformError, match='KMS plugin "own" is not healthy'):
        transformer.to_storage(b"value", KEY)
    assert transformer.from_storage(stored, KEY).data == b"value"
    kms.health = "ok"
    plugin.poll()
    assert transformer.from_storage(transformer.to_storage(b"value", KEY), KEY) == (b"value", False)


def test_key_that_the_plugin_has_lost_is_named(kms: FakeKMS, plugin: Plugin) -> None:
    stored = EnvelopeTransformer(plugin, "own").to_storage(b"value", KEY)
    kms.rotate()
    del kms.keys["kms-1"]
    other = Plugin("own", kms.endpoint, 3.0)
    other.poll()
    with pytest.raises(WrongKey, match='key "kms-1": KMS plugin "own" answers Decrypt with INVALID_ARGUMENT'):
        EnvelopeTransformer(other, "own").from_storage(stored, KEY)
    other.close()


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("version", "v1beta1", "not v2"),
        ("key_id", "", "names no key"),
        ("key_id", "x" * 1025, "names no key"),
        ("encrypts_as", "other", "another key than its status names"),
    ],
)
def test_plugin_that_breaks_the_protocol_is_not_used(
    kms: FakeKMS, field: str, value: str, problem: str
) -> None:
    setattr(kms, field, value)
    kms.keys[value] = bytes(32)
    refused = Plugin("own", kms.endpoint, 3.0)
    assert not refused.poll()
    assert problem in refused.problem
    with pytest.raises(TransformError):
        EnvelopeTransformer(refused, "own").to_storage(b"value", KEY)
    refused.close()


def test_absent_plugin_is_a_problem_in_one_line(tmp_path: Path) -> None:
    absent = Plugin("own", f"unix://{tmp_path}/absent", 0.5)
    assert not absent.poll()
    assert absent.problem == 'KMS plugin "own" answers Status with UNAVAILABLE'
    absent.close()
