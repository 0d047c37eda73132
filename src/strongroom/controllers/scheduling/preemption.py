"""Which Pods of lower priority make room for one that found no node. Pure.

Source: Kubernetes documentation, "Pod Priority and Preemption"; KEP "pod-preemption". There are no
PodDisruptionBudgets here.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from strongroom.controllers.scheduling import placement
from strongroom.controllers.scheduling.cluster import Candidate, Load
from strongroom.controllers.scheduling.placement import (
    NO_VICTIMS,
    NOT_HELPFUL,
    Placed,
    Refusal,
    Unschedulable,
)
from strongroom.controllers.scheduling.pod_use import PodUse

_POLICY: Final = "not eligible due to preemptionPolicy=Never."
_PATIENCE: Final = "not eligible due to a terminating pod on the nominated node."
_LIFT: Final = 2**31
"""Makes every priority positive, so that fewer victims weigh less."""

Place = Callable[[Sequence[Candidate], str], Placed | Unschedulable]
"""Tries the Pod on nodes whose Pods are as told; the one that is named gets it if it can."""


@dataclass(frozen=True, slots=True)
class Preempt:
    """Let these Pods go, then the node has room. `message` is for the event and the condition."""

    node: str
    victims: Sequence[str]
    message: str


@dataclass(frozen=True, slots=True)
class Helpless:
    """Nobody goes. `keeps_node`: those that were told to go for it have not ended yet."""

    message: str
    keeps_node: bool = False


@dataclass(frozen=True, slots=True)
class Preemptor:
    """The Pod that found no node. `nominated`: where room is being made for it, or ""."""

    priority: int
    never: bool
    nominated: str = ""
    place: Place = field(kw_only=True, repr=False)


def preempt(pod: Preemptor, failed: Unschedulable, candidates: Iterable[Candidate]) -> Preempt | Helpless:
    """The node where it hurts least, if there is one."""
    if not failed.refusals:
        return Helpless(failed.reasons)
    if pod.never:
        return Helpless(f"{failed.reasons} preemption: {_POLICY}")
    nodes = {candidate.name: candidate for candidate in candidates}
    nominated = failed.refusals.get(pod.nominated)
    could_help = nominated is None or nominated.preemption != NOT_HELPFUL
    if could_help and _waits_for_victims(nodes.get(pod.nominated), pod.priority):
        return Helpless(f"{failed.reasons} preemption: {_PATIENCE}", keeps_node=True)
    chosen: dict[str, Sequence[str]] = {}
    tails: Counter[str] = Counter()
    for name, refusal in failed.refusals.items():
        found = _on(pod, refusal, name, nodes)
        if isinstance(found, Refusal):
            tails.update(found.reasons)
        else:
            chosen[name] = found
    if not chosen:
        return Helpless(f"{failed.reasons} preemption: {placement.histogram(len(failed.refusals), tails)}")
    node = min(chosen, key=lambda name: _harm(nodes[name], chosen[name]))
    return Preempt(node, chosen[node], failed.reasons)


def _on(
    pod: Preemptor, refusal: Refusal, name: str, nodes: Mapping[str, Candidate]
) -> Sequence[str] | Refusal:
    """The least that must go from that node, or why that is of no use."""
    if refusal.preemption == NOT_HELPFUL:
        return Refusal((NOT_HELPFUL,))
    node = nodes[name]
    potential = [key for key, use in node.load.pods.items() if use.priority < pod.priority]
    if not potential:
        return Refusal((NO_VICTIMS,))
    gone = set(potential)
    if (still := _refusal_without(pod, name, gone, nodes)) is not None:
        return still
    victims: list[str] = []
    for key in sorted(potential, key=lambda key: _importance(node.load.pods[key])):
        if _refusal_without(pod, name, gone - {key}, nodes) is None:
            gone.discard(key)  # it may stay
        else:
            victims.append(key)
    return victims


def _refusal_without(
    pod: Preemptor, name: str, gone: set[str], nodes: Mapping[str, Candidate]
) -> Refusal | None:
    """What the node says when those Pods are gone; None: it takes the Pod."""
    tried = [_without(each, gone) if each.name == name else each for each in nodes.values()]
    outcome = pod.place(tried, name)
    if isinstance(outcome, Placed):
        return None if outcome.node == name else Refusal((NO_VICTIMS,))
    return outcome.refusals[name]


def _without(candidate: Candidate, gone: set[str]) -> Candidate:
    load = Load()
    for key, use in candidate.load.pods.items():
        if key not in gone:
            load.add(key, use)
    return Candidate(candidate.node, candidate.allocatable, load)


def _importance(use: PodUse) -> tuple[int, bool, str]:
    """The most important first: by priority, then by how long it has run."""
    return -use.priority, not use.started, use.started


def _harm(node: Candidate, victims: Sequence[str]) -> tuple[int, int, int, tuple[int, ...]]:
    """What it costs that these go; of equal costs the first node's."""
    uses = [node.load.pods[key] for key in victims]
    highest = max(use.priority for use in uses)
    since = min(use.started or "~" for use in uses if use.priority == highest)
    # Of two that are otherwise alike, the one whose most important victim has run for less time.
    newest_first = tuple(-ord(letter) for letter in since)
    return highest, sum(use.priority + _LIFT for use in uses), len(uses), newest_first


def _waits_for_victims(node: Candidate | None, priority: int) -> bool:
    if node is None:
        return False
    return any(use.preempted and use.priority < priority for use in node.load.pods.values())
