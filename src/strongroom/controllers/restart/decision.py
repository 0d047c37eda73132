"""Which workload of a namespace is restarted next, and what is said of the others. Pure.

One at a time: the next begins when the new Pods of the one before are ready. When they are not in time, those
that use the same Secrets keep their Pods, until a change of the Secret makes the one that failed begin again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from strongroom.controllers.deployment import conditions
from strongroom.controllers.restart import comparison
from strongroom.controllers.restart.comparison import Comparison
from strongroom.controllers.restart.record import Record, Restart, Seen
from strongroom.controllers.restart.seal import SealingKey
from strongroom.controllers.restart.view import CONDITION, Secret, Workload
from strongroom.machinery.gvk import Object

QUIET_SECONDS = 2.0
"""How long a Secret must have stayed as it is: changes that come together lead to one restart."""

RESTARTING, RESTARTED = "Restarting", "Restarted"
NOT_READY, WAITING = "NewPodsNotReady", "WaitingForOther"


@dataclass(frozen=True, slots=True)
class State:
    """One namespace. `secrets`: those that were read; one that is missing is not known yet."""

    workloads: Sequence[Workload]
    secrets: Mapping[str, Secret] = field(repr=False)
    key: SealingKey = field(repr=False)
    now: str


@dataclass(frozen=True, slots=True)
class Note:
    """Write the record; None: remove it."""

    workload: Workload
    record: Record | None


@dataclass(frozen=True, slots=True)
class Roll:
    """Mark the template with `record.restart.at`, and write the record, in one; then tell."""

    workload: Workload
    record: Record
    told: str


@dataclass(frozen=True, slots=True)
class Say:
    """Give the workload these conditions, and an Event if there is a `warning`."""

    workload: Workload
    conditions: tuple[Object, ...]
    warning: str = ""


Action = Note | Roll | Say


@dataclass(frozen=True, slots=True)
class Decision:
    """`actions` in order; then a look again in `look_again` seconds; None: something will call."""

    actions: Sequence[Action]
    look_again: float | None


def decide(state: State) -> Decision:
    return _Decider(state).decide()


class _Decider:
    def __init__(self, state: State) -> None:
        self._state = state
        self._wanting = sorted(
            (each for each in state.workloads if each.uses is not None and not each.deleting),
            key=lambda each: each.name,
        )
        self._found = {each.uid: comparison.compare(each, state.secrets, state.key) for each in self._wanting}
        self._look_again: list[float] = []

    def decide(self) -> Decision:
        actions: list[Action] = []
        for workload in self._state.workloads:
            if workload.uses is None:
                actions += _forget(workload)
        chosen = self._choose()
        for workload in self._wanting:
            if workload is not chosen:
                actions += self._keep(workload)
        if chosen is not None:
            actions.append(self._roll(chosen))
        return Decision(actions, min(self._look_again, default=None))

    # Which one is next

    def _choose(self) -> Workload | None:
        pending = [each for each in self._wanting if self._is_due(each)]
        busy = [each for each in self._wanting if _is_under_way(each)]
        # One that failed holds the others, so it is tried again before they follow.
        for workload in pending:
            if busy and workload not in busy:
                continue
            if workload.reason == NOT_READY or not self._is_held(workload):
                return workload
        return None

    def _is_due(self, workload: Workload) -> bool:
        changed = self._found[workload.uid].changed
        if not changed or workload.paused or self._needs_no_restart(workload):
            return False
        waits = list(comparison.waits(changed, self._state.secrets, QUIET_SECONDS))
        if waits:
            self._look_again.append(max(waits))
        return not waits

    def _needs_no_restart(self, workload: Workload) -> bool:
        """No Pod has an older value: there is none, or all are of a template that came after the change."""
        changed = self._found[workload.uid].changed
        return not workload.replicas or comparison.is_older(
            changed, self._state.secrets, workload.template_version
        )

    def _is_held(self, workload: Workload) -> bool:
        return any(True for _ in self._holders(workload))

    def _holders(self, workload: Workload) -> Iterator[Workload]:
        """Those whose new Pods did not get ready after a change of a Secret that this one waits for too."""
        changed = set(self._found[workload.uid].changed)
        for other in self._wanting:
            if other is not workload and _has_failed(other) and changed & _concerned(other):
                yield other

    # What is done and said

    def _roll(self, workload: Workload) -> Roll:
        found = self._found[workload.uid]
        under_way = workload.record.restart if workload.record else None
        secrets = sorted({*found.changed, *(under_way.secrets if under_way else ())})
        restart = Restart(self._state.now, tuple(secrets))
        told = f"Restarting: {_names(found.changed)} changed"
        return Roll(workload, Record(found.renewed, restart), told)

    def _keep(self, workload: Workload) -> Iterator[Action]:
        """A workload that is not restarted now."""
        found = self._found[workload.uid]
        noted = workload.record or Record()
        restart = noted.restart
        if restart is not None:
            yield from self._report(workload, restart)
            if not _is_marked(workload) or _is_through(workload):
                restart = None
        elif found.changed and (holder := next(self._holders(workload), None)) is not None:
            text = f'Waits until new Pods of "{holder.name}" are ready after the same change.'
            yield from self._say(workload, "False", WAITING, text)
        elif workload.reason in (RESTARTING, WAITING) and not found.changed:
            yield from _unsay(workload)  # rolled or rolled back by somebody else, or changed back
        record = Record(self._noted(workload, found), restart)
        if record != noted:
            yield Note(workload, record)

    def _noted(self, workload: Workload, found: Comparison) -> Mapping[str, Seen]:
        if found.changed and self._needs_no_restart(workload):
            return found.renewed
        return found.seen

    def _report(self, workload: Workload, restart: Restart) -> Iterator[Action]:
        what = _names(restart.secrets)
        if not _is_marked(workload):
            return  # somebody took the mark back: their rollout, not ours
        if _is_through(workload):
            yield from self._say(workload, "True", RESTARTED, f"Restarted after a change of {what}.")
        elif workload.timed_out:
            text = f"New Pods are not ready after a change of {what}"
            warning = f"{text}: no other workload is restarted for it"
            yield from self._say(workload, "False", NOT_READY, f"{text}.", warning)
        else:
            yield from self._say(workload, "False", RESTARTING, f"Restarting after a change of {what}.")

    def _say(
        self, workload: Workload, status: str, reason: str, text: str, warning: str = ""
    ) -> Iterator[Action]:
        current = conditions.find(workload.conditions, CONDITION)
        if current is not None and (current["reason"], current["message"]) == (reason, text):
            return
        said = conditions.condition(CONDITION, status, reason, text, self._state.now)
        if current is not None and current["status"] == status:
            said["lastTransitionTime"] = current["lastTransitionTime"]
        others = conditions.without(workload.conditions, CONDITION)
        yield Say(workload, (*others, said), warning)


def _is_through(workload: Workload) -> bool:
    return workload.complete and not workload.timed_out


def _is_under_way(workload: Workload) -> bool:
    """One that is paused does not keep the others waiting."""
    return _is_marked(workload) and not (workload.complete or workload.timed_out or workload.paused)


def _is_marked(workload: Workload) -> bool:
    """Whether its template is that of the restart which is noted."""
    restart = _restart_of(workload)
    return restart is not None and workload.restarted_at == restart.at


def _has_failed(workload: Workload) -> bool:
    """Also one that was rolled back since: the change was not undone by that."""
    if _is_marked(workload):
        return workload.timed_out
    return workload.reason == NOT_READY


def _restart_of(workload: Workload) -> Restart | None:
    return workload.record.restart if workload.record else None


def _concerned(workload: Workload) -> set[str]:
    restart = _restart_of(workload)
    return set(restart.secrets) if restart is not None else set(workload.uses or ())


def _forget(workload: Workload) -> Iterator[Action]:
    """It wants this no more: nothing is left in it."""
    yield from _unsay(workload)
    if workload.record is not None:
        yield Note(workload, None)


def _unsay(workload: Workload) -> Iterator[Action]:
    if conditions.find(workload.conditions, CONDITION) is not None:
        yield Say(workload, tuple(conditions.without(workload.conditions, CONDITION)))


def _names(secrets: Sequence[str]) -> str:
    quoted = ", ".join(f'"{name}"' for name in secrets)
    return f"Secret {quoted}" if len(secrets) == 1 else f"Secrets {quoted}"
