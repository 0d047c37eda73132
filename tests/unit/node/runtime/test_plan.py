"""What a pod needs next."""

import pytest

from strongroom.machinery.gvk import Object
from strongroom.node.runtime import labels, plan
from strongroom.node.runtime.observed import Container, PodRuntime, Sandbox, State

HOME = Sandbox("s0")


def pod(
    policy: str = "Always", *, containers: tuple[str, ...] = ("c",), inits: tuple[Object, ...] = ()
) -> Object:
    return {
        "metadata": {"name": "p", "namespace": "ns", "uid": "u"},
        "spec": {
            "restartPolicy": policy,
            "containers": [{"name": name, "image": "i:1"} for name in containers],
            "initContainers": list(inits),
        },
    }


def ran(
    name: str = "c", state: State = State.RUNNING, code: int = 0, attempt: int = 0, hash: str | None = None
) -> Container:
    if hash is None:
        hash = labels.container_hash({"name": name, "image": "i:1"})
    return Container(f"{name}-{attempt}", name, attempt, state, "s0", exit_code=code, hash=hash)


def runtime(*containers: Container, sandbox: Sandbox | None = HOME) -> PodRuntime:
    by_name: dict[str, list[Container]] = {}
    for container in containers:
        by_name.setdefault(container.name, []).append(container)
    return PodRuntime(sandbox=sandbox, containers=by_name)


def started(steps: plan.Plan) -> list[str]:
    return [f"{start.container['name']}/{start.attempt}" for start in steps.starts]


def test_a_new_pod_gets_a_sandbox_and_its_containers() -> None:
    steps = plan.decide(pod(containers=("a", "b")), PodRuntime())
    assert steps.sandbox_attempt == 0
    assert not steps.replaces_sandbox
    assert started(steps) == ["a/0", "b/0"]


def test_nothing_to_do_while_all_run() -> None:
    assert plan.decide(pod(), runtime(ran())) == plan.Plan()


def test_a_dead_sandbox_is_replaced() -> None:
    dead = Sandbox("s0", attempt=2, ready=False)
    steps = plan.decide(pod(), runtime(ran(state=State.EXITED, code=137), sandbox=dead))
    assert (steps.sandbox_attempt, steps.replaces_sandbox) == (3, True)
    assert started(steps) == ["c/1"]


def test_a_dead_sandbox_of_a_pod_that_never_restarts_is_the_end() -> None:
    dead = Sandbox("s0", ready=False)
    assert plan.decide(pod("Never"), runtime(ran(state=State.UNKNOWN), sandbox=dead)).done


@pytest.mark.parametrize(
    ("policy", "code", "again"),
    [
        ("Always", 0, True),
        ("Always", 1, True),
        ("OnFailure", 0, False),
        ("OnFailure", 1, True),
        ("Never", 0, False),
        ("Never", 1, False),
    ],
)
def test_restart_policy(policy: str, code: int, again: bool) -> None:
    steps = plan.decide(pod(policy), runtime(ran(state=State.EXITED, code=code)))
    assert started(steps) == (["c/1"] if again else [])
    assert steps.done is not again


def test_a_pod_is_done_when_all_its_containers_are() -> None:
    both = pod("Never", containers=("a", "b"))
    steps = plan.decide(both, runtime(ran("a", State.EXITED), ran("b")))
    assert steps == plan.Plan()
    assert plan.decide(both, runtime(ran("a", State.EXITED), ran("b", State.EXITED))).done


def test_a_container_that_was_never_started_is_made_again_in_its_place() -> None:
    left = ran(state=State.CREATED, attempt=4)
    (start,) = plan.decide(pod(), runtime(left)).starts
    assert (start.attempt, start.leftover, start.previous) == (4, left, None)


def test_a_changed_image_replaces_the_container() -> None:
    (kill,) = plan.decide(pod(), runtime(ran(hash="00000000"))).kills
    assert kill.message == "Container c definition changed, will be restarted"
    assert plan.decide(pod(), runtime(ran(hash=""))).kills == []


def test_a_lost_container_is_killed_first() -> None:
    steps = plan.decide(pod(), runtime(ran(state=State.UNKNOWN)))
    assert [kill.container.name for kill in steps.kills] == ["c"]
    assert steps.starts == []


INITS = ({"name": "i1", "image": "i:1"}, {"name": "i2", "image": "i:1"})
SIDECAR = {"name": "side", "image": "i:1", "restartPolicy": "Always"}


def test_init_containers_run_one_after_the_other() -> None:
    with_inits = pod(inits=INITS)
    assert started(plan.decide(with_inits, PodRuntime())) == ["i1/0"]
    assert started(plan.decide(with_inits, runtime(ran("i1")))) == []
    one = ran("i1", State.EXITED)
    assert started(plan.decide(with_inits, runtime(one))) == ["i2/0"]
    both = (one, ran("i2", State.EXITED))
    steps = plan.decide(with_inits, runtime(*both))
    assert started(steps) == ["c/0"]
    assert not steps.starts[0].is_init


def test_a_failed_init_container_runs_again_or_ends_the_pod() -> None:
    failed = runtime(ran("i1", State.EXITED, 1))
    assert started(plan.decide(pod("Always", inits=INITS), failed)) == ["i1/1"]
    assert started(plan.decide(pod("OnFailure", inits=INITS), failed)) == ["i1/1"]
    assert plan.decide(pod("Never", inits=INITS), failed).done


def test_in_a_new_sandbox_init_containers_run_again() -> None:
    before = (ran("i1", State.EXITED), ran("i2", State.EXITED), ran("c", State.EXITED, 137))
    dead = Sandbox("s0", ready=False)
    steps = plan.decide(pod(inits=INITS), runtime(*before, sandbox=dead))
    assert (steps.sandbox_attempt, started(steps)) == (1, ["i1/1"])
    fresh = runtime(*before, sandbox=Sandbox("s1", attempt=1))
    assert started(plan.decide(pod(inits=INITS), fresh)) == ["i1/1"]


def test_a_sidecar_has_to_run_and_no_more() -> None:
    with_sidecar = pod(inits=(SIDECAR, *INITS))
    assert started(plan.decide(with_sidecar, PodRuntime())) == ["side/0"]
    assert started(plan.decide(with_sidecar, runtime(ran("side")))) == ["i1/0"]
    through = (ran("i1", State.EXITED), ran("i2", State.EXITED), ran("c"))
    assert started(plan.decide(with_sidecar, runtime(ran("side"), *through))) == []
    assert started(plan.decide(with_sidecar, runtime(ran("side", State.EXITED), *through))) == ["side/1"]


def test_a_sidecar_does_not_keep_a_pod_from_its_end() -> None:
    finished = runtime(ran("side"), ran("c", State.EXITED))
    assert plan.decide(pod("Never", inits=(SIDECAR,)), finished).done
