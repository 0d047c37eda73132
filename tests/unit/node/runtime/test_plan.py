"""What a pod needs next."""

from dataclasses import replace

import pytest

from strongroom.machinery.gvk import Object
from strongroom.node.runtime import labels, plan
from strongroom.node.runtime.observed import Container, PodRuntime, Sandbox, State

HOME = Sandbox("s0")
NO_PROBES = plan.NoProbes()


def decide(pod: Object, runtime: PodRuntime, health: plan.Health = NO_PROBES) -> plan.Plan:
    return plan.decide(pod, runtime, health)


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
    steps = decide(pod(containers=("a", "b")), PodRuntime())
    assert steps.sandbox_attempt == 0
    assert not steps.replaces_sandbox
    assert started(steps) == ["a/0", "b/0"]


def test_nothing_to_do_while_all_run() -> None:
    assert decide(pod(), runtime(ran())) == plan.Plan()


def test_a_dead_sandbox_is_replaced() -> None:
    dead = Sandbox("s0", attempt=2, ready=False)
    steps = decide(pod(), runtime(ran(state=State.EXITED, code=137), sandbox=dead))
    assert (steps.sandbox_attempt, steps.replaces_sandbox) == (3, True)
    assert started(steps) == ["c/1"]


def test_a_dead_sandbox_of_a_pod_that_never_restarts_is_the_end() -> None:
    dead = Sandbox("s0", ready=False)
    assert decide(pod("Never"), runtime(ran(state=State.UNKNOWN), sandbox=dead)).done


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
    steps = decide(pod(policy), runtime(ran(state=State.EXITED, code=code)))
    assert started(steps) == (["c/1"] if again else [])
    assert steps.done is not again


def test_a_pod_is_done_when_all_its_containers_are() -> None:
    both = pod("Never", containers=("a", "b"))
    steps = decide(both, runtime(ran("a", State.EXITED), ran("b")))
    assert steps == plan.Plan()
    assert decide(both, runtime(ran("a", State.EXITED), ran("b", State.EXITED))).done


def test_a_container_that_was_never_started_is_made_again_in_its_place() -> None:
    left = ran(state=State.CREATED, attempt=4)
    (start,) = decide(pod(), runtime(left)).starts
    assert (start.attempt, start.leftover, start.previous) == (4, left, None)


def test_a_changed_image_replaces_the_container() -> None:
    (kill,) = decide(pod(), runtime(ran(hash="00000000"))).kills
    assert kill.message == "Container c definition changed, will be restarted"
    assert decide(pod(), runtime(ran(hash=""))).kills == []


def test_a_lost_container_is_killed_first() -> None:
    steps = decide(pod(), runtime(ran(state=State.UNKNOWN)))
    text = 'ontainer is in "unknown" state, try killing it before restart'
    assert [(kill.container.name, kill.message) for kill in steps.kills] == [("c", f"C{text}")]
    assert steps.starts == []
    (kill,) = decide(pod(inits=(SIDECAR,)), runtime(ran("side", State.UNKNOWN))).kills
    assert kill.message == f"Init c{text}"


INITS = ({"name": "i1", "image": "i:1"}, {"name": "i2", "image": "i:1"})
SIDECAR = {"name": "side", "image": "i:1", "restartPolicy": "Always"}


def test_init_containers_run_one_after_the_other() -> None:
    with_inits = pod(inits=INITS)
    assert started(decide(with_inits, PodRuntime())) == ["i1/0"]
    assert started(decide(with_inits, runtime(ran("i1")))) == []
    one = ran("i1", State.EXITED)
    assert started(decide(with_inits, runtime(one))) == ["i2/0"]
    both = (one, ran("i2", State.EXITED))
    steps = decide(with_inits, runtime(*both))
    assert started(steps) == ["c/0"]
    assert not steps.starts[0].is_init


def test_a_failed_init_container_runs_again_or_ends_the_pod() -> None:
    failed = runtime(ran("i1", State.EXITED, 1))
    assert started(decide(pod("Always", inits=INITS), failed)) == ["i1/1"]
    assert started(decide(pod("OnFailure", inits=INITS), failed)) == ["i1/1"]
    assert decide(pod("Never", inits=INITS), failed).done


def test_in_a_new_sandbox_init_containers_run_again() -> None:
    before = (ran("i1", State.EXITED), ran("i2", State.EXITED), ran("c", State.EXITED, 137))
    dead = Sandbox("s0", ready=False)
    steps = decide(pod(inits=INITS), runtime(*before, sandbox=dead))
    assert (steps.sandbox_attempt, started(steps)) == (1, ["i1/1"])
    fresh = runtime(*before, sandbox=Sandbox("s1", attempt=1))
    assert started(decide(pod(inits=INITS), fresh)) == ["i1/1"]


def test_a_sidecar_has_to_run_and_no_more() -> None:
    with_sidecar = pod(inits=(SIDECAR, *INITS))
    assert started(decide(with_sidecar, PodRuntime())) == ["side/0"]
    assert started(decide(with_sidecar, runtime(ran("side")))) == ["i1/0"]
    through = (ran("i1", State.EXITED), ran("i2", State.EXITED), ran("c"))
    assert started(decide(with_sidecar, runtime(ran("side"), *through))) == []
    assert started(decide(with_sidecar, runtime(ran("side", State.EXITED), *through))) == ["side/1"]


def test_a_sidecar_does_not_keep_a_pod_from_its_end() -> None:
    finished = runtime(ran("side"), ran("c", State.EXITED))
    assert decide(pod("Never", inits=(SIDECAR,)), finished).done


def side(attempt: int = 0) -> Container:
    hash = labels.container_hash({"name": "side", "image": "i:1"})
    return ran("side", attempt=attempt, hash=hash)


class Failed(plan.NoProbes):
    """A probe says that these runs have to end; or that they have not started."""

    def __init__(self, probe: str = "liveness", *, started: bool = True) -> None:
        self.probe, self.has_started = probe, started

    def started(self, container: Container) -> bool:
        return self.has_started

    def failed(self, container: Container) -> tuple[str, int | None] | None:
        return (self.probe, 5) if self.probe else None


@pytest.mark.parametrize(
    ("policy", "text"),
    [
        ("Always", "Container c failed liveness probe, will be restarted"),
        ("OnFailure", "Container c failed liveness probe, will be restarted"),
        ("Never", "Container c failed liveness probe"),
    ],
)
def test_a_container_that_fails_its_probe_is_killed(policy: str, text: str) -> None:
    (kill,) = decide(pod(policy), runtime(ran()), Failed()).kills
    assert (kill.message, kill.grace) == (text, 5)


def test_one_that_a_probe_ended_failed_whatever_its_exit_code() -> None:
    ended = runtime(ran(state=State.EXITED, code=0))
    assert started(decide(pod("OnFailure"), ended, Failed())) == ["c/1"]
    assert decide(pod("OnFailure"), ended).done
    assert decide(pod("Never"), ended, Failed()).done


def test_a_sidecar_holds_the_others_back_until_its_startup_probe_passes() -> None:
    spec = pod(inits=(SIDECAR,))
    assert decide(spec, runtime(side()), Failed("", started=False)) == plan.Plan()
    assert started(decide(spec, runtime(side()))) == ["c/0"]


def test_a_sidecar_that_starts_again_holds_nobody_back() -> None:
    ended = runtime(side(attempt=1), ran(state=State.EXITED, code=1))
    assert started(decide(pod(inits=(SIDECAR,)), ended, Failed("", started=False))) == ["c/1"]


def test_a_sidecar_that_fails_its_probe_is_killed() -> None:
    steps = decide(pod(inits=(SIDECAR,)), runtime(side()), Failed("startup", started=False))
    assert [kill.message for kill in steps.kills] == ["Init container side failed startup probe"]
    assert started(steps) == []


def test_a_changed_image_replaces_a_sidecar_that_has_started() -> None:
    whole = pod(inits=(SIDECAR,))
    changed = ran("side", hash="00000000")
    steps = decide(whole, runtime(changed, ran()))
    assert [kill.message for kill in steps.kills] == ["Init container side definition changed"]
    assert decide(whole, runtime(changed, ran()), Failed("", started=False)).kills == []
    assert decide(whole, runtime(ran("side", hash=""), ran())).kills == []
    init = pod(inits=INITS[:1])
    assert decide(init, runtime(ran("i1", hash="00000000"))).kills == []


def test_a_rule_about_an_exit_code_says_nothing_of_a_container_that_a_probe_ends() -> None:
    rule = {"action": "Restart", "exitCodes": {"operator": "In", "values": [137]}}
    whole = pod("Always")
    whole["spec"]["containers"][0] |= {"restartPolicy": "Never", "restartPolicyRules": [rule]}
    (kill,) = decide(whole, runtime(ran()), Failed()).kills
    assert kill.message == "Container c failed liveness probe"


def debugged(**more: object) -> Object:
    whole = pod(**more)  # type: ignore[arg-type]
    whole["spec"]["ephemeralContainers"] = [{"name": "debugger", "image": "i:1"}]
    return whole


def test_an_ephemeral_container_starts_beside_those_that_run() -> None:
    steps = decide(debugged(), runtime(ran()))
    assert started(steps) == ["debugger/0"]
    assert steps.starts[0].is_ephemeral
    assert steps.kills == []


def test_an_ephemeral_container_starts_though_an_init_container_does_not_end() -> None:
    init = {"name": "i", "image": "i:1"}
    assert started(decide(debugged(inits=(init,)), runtime(ran("i")))) == ["debugger/0"]


@pytest.mark.parametrize(("state", "code"), [(State.RUNNING, 0), (State.EXITED, 0), (State.EXITED, 1)])
def test_an_ephemeral_container_runs_once(state: State, code: int) -> None:
    assert decide(debugged(), runtime(ran(), ran("debugger", state, code))) == plan.Plan()


def test_an_ephemeral_container_that_was_never_started_is_made_again() -> None:
    (start,) = decide(debugged(), runtime(ran(), ran("debugger", State.CREATED))).starts
    assert start.leftover is not None
    assert (start.attempt, start.is_ephemeral) == (0, True)


def test_an_ephemeral_container_keeps_no_pod_alive() -> None:
    assert decide(debugged(policy="Never"), runtime(ran(state=State.EXITED), ran("debugger"))).done


def with_rule(name: str, action: str, code: int, **fields: object) -> Object:
    rule = {"action": action, "exitCodes": {"operator": "In", "values": [code]}}
    return {
        "name": name,
        "image": "i:1",
        "restartPolicy": "Never",
        "restartPolicyRules": [rule],
        **fields,
    }


def at(run: Container, created: int, finished: int = 0) -> Container:
    return replace(run, created_at=created, finished_at=finished, hash="")


def test_a_container_runs_again_by_its_own_rule() -> None:
    made = pod("Never")
    made["spec"]["containers"] = [with_rule("c", "Restart", 42), {"name": "d", "image": "i:1"}]
    other = ran("d", State.EXITED)
    steps = decide(made, runtime(ran(state=State.EXITED, code=42), other))
    assert (started(steps), steps.done) == (["c/1"], False)
    assert decide(made, runtime(ran(state=State.EXITED, code=1), other)).done


def test_an_init_container_that_fails_with_a_code_of_its_rule_runs_again() -> None:
    made = pod("Never", inits=(with_rule("i1", "Restart", 42),))
    assert started(decide(made, runtime(ran("i1", State.EXITED, 42)))) == ["i1/1"]
    assert decide(made, runtime(ran("i1", State.EXITED, 1))).done


def test_a_dead_sandbox_is_replaced_where_a_container_may_run_again() -> None:
    made = pod("Never")
    made["spec"]["containers"][0]["restartPolicy"] = "OnFailure"
    dead = Sandbox("s0", ready=False)
    assert decide(made, runtime(ran(state=State.EXITED, code=1), sandbox=dead)).sandbox_attempt == 1


def all_anew() -> Object:
    made = pod("Never", inits=({"name": "i1", "image": "i:1"}, SIDECAR))
    made["spec"]["containers"] = [with_rule("c", "RestartAllContainers", 7), {"name": "d", "image": "i:1"}]
    return made


def test_an_exit_by_which_all_start_anew_ends_the_others_first() -> None:
    steps = decide(
        all_anew(),
        runtime(
            at(ran("i1", State.EXITED), 1, 2),
            at(ran("side"), 3),
            at(ran("c", State.EXITED, 7), 4, 9),
            at(ran("d"), 5),
        ),
    )
    assert [(kill.container.name, kill.message) for kill in steps.kills] == [
        (name, f"Container {name} will be restarted with all others") for name in ("side", "d")
    ]
    assert (started(steps), steps.done) == ([], False)


def test_then_they_start_from_the_first_init_container_on() -> None:
    old = [
        at(ran("side", State.EXITED, 143), 3, 10),
        at(ran("c", State.EXITED, 7), 4, 9),
        at(ran("d", State.EXITED, 143), 5, 10),
    ]
    first = at(ran("i1", State.EXITED), 1, 2)
    assert started(decide(all_anew(), runtime(first, *old))) == ["i1/1"]
    again = at(ran("i1", State.EXITED, attempt=1), 11, 12)
    assert started(decide(all_anew(), runtime(again, first, *old))) == ["side/1"]
    side = at(ran("side", attempt=1), 13)
    steps = decide(all_anew(), runtime(again, first, side, *old))
    assert (started(steps), steps.kills) == (["c/1", "d/1"], [])
    both = [at(ran("c", attempt=1), 14), at(ran("d", attempt=1), 14)]
    assert decide(all_anew(), runtime(again, first, side, *both, *old)) == plan.Plan()


def test_one_that_has_not_started_anew_does_so_even_if_the_cause_has_ended_since() -> None:
    runs = [
        at(ran("i1", State.EXITED, attempt=1), 11, 12),
        at(ran("side", attempt=1), 13),
        at(ran("c", State.EXITED, 0, attempt=1), 14, 15),
        at(ran("c", State.EXITED, 7), 4, 9),
        at(ran("d", State.EXITED, 143), 5, 10),
    ]
    assert started(decide(all_anew(), runtime(*runs))) == ["d/1"]


def test_one_that_restarted_by_itself_meanwhile_waits_for_the_init_containers_as_all_do() -> None:
    old = [at(ran("side", State.EXITED, 143), 3, 10), at(ran("c", State.EXITED, 7), 4, 9)]
    first, cause = at(ran("i1", State.EXITED), 1, 2), at(ran("d", State.EXITED, 42), 5, 8)
    # Its start was under way when `c` ended, and was done after it.
    early = at(ran("d", attempt=1), 11)
    steps = decide(all_anew(), runtime(first, early, cause, *old))
    assert ([kill.container.id for kill in steps.kills], started(steps)) == (["d-1"], [])
    ended = replace(early, state=State.EXITED, finished_at=12)
    assert started(decide(all_anew(), runtime(first, ended, cause, *old))) == ["i1/1"]
    again, side = at(ran("i1", State.EXITED, attempt=1), 13, 14), at(ran("side", attempt=1), 15)
    assert started(decide(all_anew(), runtime(again, first, side, ended, cause, *old))) == ["c/1", "d/2"]
    # An init container whose runs were cleaned up has done its work.
    assert started(decide(all_anew(), runtime(side, ended, cause, *old))) == ["c/1"]


def test_a_sidecar_that_restarts_later_does_not_make_the_others_start_anew() -> None:
    runs = [
        at(ran("i1", State.EXITED, attempt=1), 11, 12),
        at(ran("side", attempt=2), 20),
        at(ran("c", attempt=1), 14),
        at(ran("c", State.EXITED, 7), 4, 9),
        at(ran("d", attempt=1), 14),
    ]
    assert decide(all_anew(), runtime(*runs)) == plan.Plan()
