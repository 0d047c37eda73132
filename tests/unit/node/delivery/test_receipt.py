"""Which version each container holds, from recorded facts."""

from typing import Any

import pytest

from strongroom.machinery.gvk import Object
from strongroom.node.delivery import receipt
from strongroom.node.delivery.receipt import Delivery, Held
from strongroom.node.runtime.observed import Container, PodRuntime, State

NOW = "2026-01-02T03:04:05Z"
VOLUMES: list[Object] = [{"name": "v", "secret": {"secretName": "db"}}]
FILES: Object = {"name": "c", "volumeMounts": [{"name": "v", "mountPath": "/v"}]}
PART: Object = {"name": "c", "volumeMounts": [{"name": "v", "mountPath": "/v", "subPath": "password"}]}
VARIABLES: Object = {"name": "c", "envFrom": [{"secretRef": {"name": "db"}}]}


def pod(*containers: Object, **spec: Any) -> Object:
    return {"metadata": {"name": "p"}, "spec": {"volumes": VOLUMES, "containers": list(containers), **spec}}


def runtime(state: State = State.RUNNING, started_with: str = "", name: str = "c") -> PodRuntime:
    return PodRuntime(containers={name: [Container("1", name, state=state, started_with=started_with)]})


def shown(found: list[Delivery]) -> list[tuple[str, str, str | None, str]]:
    return [(item.use.container, item.use.way, item.version, item.message) for item in found]


def test_files_hold_what_was_written_last() -> None:
    found = receipt.deliveries(pod(FILES), runtime(), {"v": Held({"db": "7"})})
    assert shown(found) == [("c", "Volume", "7", "")]


def test_files_that_could_not_be_written_hold_the_version_before_and_say_why() -> None:
    found = receipt.deliveries(pod(FILES), runtime(), {"v": Held({"db": "7"}, "No space left on device: x")})
    assert shown(found) == [("c", "Volume", "7", "No space left on device: x")]


def test_a_volume_that_is_not_up_yet_holds_nothing_that_is_known() -> None:
    assert shown(receipt.deliveries(pod(FILES), runtime(), {})) == [("c", "Volume", None, "")]


@pytest.mark.parametrize(("container", "way"), [(VARIABLES, "Env"), (PART, "SubPath")])
def test_what_is_fixed_at_the_start_stays_as_it_was(container: Object, way: str) -> None:
    noted = receipt.note(container, {"db": "5"} if way == "Env" else {}, {"v": Held({"db": "5"})})
    found = receipt.deliveries(pod(container), runtime(started_with=noted), {"v": Held({"db": "9"})})
    assert shown(found) == [("c", way, "5", "")]


@pytest.mark.parametrize("state", [State.EXITED, State.CREATED])
def test_a_container_that_does_not_run_holds_no_variables(state: State) -> None:
    noted = receipt.note(VARIABLES, {"db": "5"}, {})
    assert receipt.deliveries(pod(VARIABLES), runtime(state, noted), {}) == []


def test_an_init_container_holds_something_as_long_as_it_runs() -> None:
    init = {**FILES, "name": "i"}
    whole = pod(initContainers=[init])
    held = {"v": Held({"db": "7"})}
    assert shown(receipt.deliveries(whole, runtime(name="i"), held)) == [("i", "Volume", "7", "")]
    assert receipt.deliveries(whole, runtime(State.EXITED, name="i"), held) == []


@pytest.mark.parametrize("noted", ["", "[]", "nonsense", '{"Env": {"db": 5}}', '{"Env": "db"}'])
def test_a_note_that_is_not_ours_says_nothing(noted: str) -> None:
    found = receipt.deliveries(pod(VARIABLES), runtime(started_with=noted), {})
    assert shown(found) == [("c", "Env", None, "")]


def test_nothing_is_noted_where_nothing_is_fixed() -> None:
    assert receipt.note(FILES, {}, {"v": Held({"db": "5"})}) == ""


def entry(version: str = "", time: str = "", message: str = "") -> Object:
    fields = {"resourceVersion": version, "time": time, "message": message}
    given = {name: value for name, value in fields.items() if value}
    return {"secret": "db", "container": "c", "way": "Volume", "volume": "v", **given}


@pytest.mark.parametrize(
    ("old", "version", "message", "expected"),
    [
        ([], "7", "", entry("7", NOW)),
        ([], None, "", entry()),
        ([], "", "", entry()),
        ([entry("7", "then")], "7", "", entry("7", "then")),
        ([entry("6", "then")], "7", "", entry("7", NOW)),
        # An agent that has just started does not know what is in the files.
        ([entry("6", "then")], None, "", entry("6", "then")),
        ([entry("6", "then")], None, "no", entry("6", "then", "no")),
        # The Secret is gone and was optional: the files are empty now.
        ([entry("6", "then")], "", "", entry()),
        ([entry("6", "then", "no")], "7", "", entry("7", NOW)),
    ],
)
def test_merging_with_what_was_told_before(
    old: list[Object], version: str | None, message: str, expected: Object
) -> None:
    (use,) = [item.use for item in receipt.deliveries(pod(FILES), runtime(), {})]
    assert receipt.merged(old, [Delivery(use, version, message)], NOW) == [expected]
