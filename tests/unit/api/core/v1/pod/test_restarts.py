"""Whether a container that ended runs again."""

import pytest

from strongroom.api.core.v1.pod import restarts, status_update
from strongroom.machinery.gvk import Object


def container(policy: str = "", *rules: tuple[str, str, list[int]], name: str = "c") -> Object:
    made: Object = {"name": name, "restartPolicy": policy} if policy else {"name": name}
    if rules:
        made["restartPolicyRules"] = [
            {"action": action, "exitCodes": {"operator": operator, "values": codes}}
            for action, operator, codes in rules
        ]
    return made


IN_42 = ("Restart", "In", [42])
NOT_IN_0 = ("Restart", "NotIn", [0])
ALL_IN_7 = ("RestartAllContainers", "In", [7])


@pytest.mark.parametrize(
    ("of_pod", "of_container", "code", "again"),
    [
        ("Always", container(), 0, True),
        ("OnFailure", container(), 0, False),
        ("OnFailure", container(), 1, True),
        ("Never", container(), 1, False),
        ("Never", container("Always"), 0, True),
        ("Never", container("OnFailure"), 0, False),
        ("Never", container("OnFailure"), 1, True),
        ("Always", container("Never"), 1, False),
        ("Always", container("Never", IN_42), 42, True),
        ("Always", container("Never", IN_42), 41, False),
        ("Never", container("Never", NOT_IN_0), 1, True),
        ("Never", container("Never", NOT_IN_0), 0, False),
        ("Never", container("OnFailure", IN_42), 41, True),  # no rule says anything: its policy does
        ("Never", container("Never", ALL_IN_7), 7, True),
    ],
)
def test_again(of_pod: str, of_container: Object, code: int, again: bool) -> None:
    assert restarts.again(of_container, {"restartPolicy": of_pod}, code) is again


def test_the_first_rule_counts() -> None:
    both = container("Never", IN_42, ("RestartAllContainers", "In", [42]))
    assert not restarts.takes_all(both, 42)
    assert restarts.takes_all(container("Never", ALL_IN_7, IN_42), 7)
    assert not restarts.takes_all(container("Never", ALL_IN_7), 8)


@pytest.mark.parametrize(
    ("of_pod", "of_container", "ever"),
    [
        ("Never", container(), False),
        ("Never", container("OnFailure"), True),
        ("Never", container("Never", IN_42), True),
        ("Always", container("Never"), False),
        ("OnFailure", container(), True),
    ],
)
def test_ever(of_pod: str, of_container: Object, ever: bool) -> None:
    assert restarts.ever(of_container, {"restartPolicy": of_pod}) is ever


def ended(name: str, code: int) -> Object:
    return {"name": name, "state": {"terminated": {"exitCode": code}}}


@pytest.mark.parametrize(
    ("containers", "codes", "refused"),
    [
        ([container("Never", IN_42), container(name="d")], [42, 0], []),
        ([container("Never", IN_42), container(name="d")], [1, 1], [0]),
        ([container("Never"), container("Always", name="d")], [0, 0], [0]),
        ([container("Never", ALL_IN_7), container("Never", name="d")], [1, 1], []),
    ],
)
def test_a_status_tells_of_another_run_only_where_there_may_be_one(
    containers: list[Object], codes: list[int], refused: list[int]
) -> None:
    names = [each["name"] for each in containers]
    old: Object = {
        "metadata": {},
        "spec": {"restartPolicy": "Always", "containers": containers},
        "status": {"containerStatuses": [ended(*pair) for pair in zip(names, codes, strict=True)]},
    }
    running = [{"name": name, "state": {"running": {}}} for name in names]
    new: Object = {**old, "status": {"containerStatuses": running}}
    text = "may not be transitioned to non-terminated state"
    assert [str(error) for error in status_update.validate(new, old)] == [
        f"status.containerStatuses[{index}].state: Forbidden: {text}" for index in refused
    ]
