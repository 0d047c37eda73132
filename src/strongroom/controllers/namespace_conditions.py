"""What a terminating namespace says about its content: pure.

Types, reasons and texts are those of Kubernetes' namespace controller.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from strongroom.machinery.gvk import Object, Resource

_FINALIZER_SECONDS = 15


@dataclass(slots=True)
class Findings:
    """What is left in a namespace after everything was told to go."""

    remaining: dict[Resource, Sequence[Object]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        return not self.remaining and not self.failures

    def patience(self) -> float:
        """Seconds until it is worth looking again, if nothing tells sooner."""
        graces = [0.0]
        for items in self.remaining.values():
            for item in items:
                metadata = item["metadata"]
                graces.append(float(metadata.get("deletionGracePeriodSeconds") or 0))
                if metadata.get("finalizers"):
                    graces.append(_FINALIZER_SECONDS)
        return max(graces) / 2 + 1


def conditions(findings: Findings) -> list[Object]:
    """The five conditions, without their times."""
    finalizers = _finalizers(findings.remaining)
    left = ", ".join(
        sorted(
            f"{resource.plural}.{resource.group} has {len(items)} resource instances"
            for resource, items in findings.remaining.items()
        )
    )
    held = ", ".join(sorted(f"{name} in {count} resource instances" for name, count in finalizers.items()))
    return [
        _condition(
            "NamespaceDeletionDiscoveryFailure",
            "ResourcesDiscovered",
            "All resources successfully discovered",
        ),
        _condition(
            "NamespaceDeletionGroupVersionParsingFailure",
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed",
        ),
        _condition(
            "NamespaceDeletionContentFailure",
            "ContentDeletionFailed",
            f"Failed to delete all resource types, {len(findings.failures)} remaining: "
            + ", ".join(sorted(findings.failures)),
            true=True,
        )
        if findings.failures
        else _condition(
            "NamespaceDeletionContentFailure",
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization",
        ),
        _condition(
            "NamespaceContentRemaining",
            "SomeResourcesRemain",
            f"Some resources are remaining: {left}",
            true=True,
        )
        if left
        else _condition("NamespaceContentRemaining", "ContentRemoved", "All content successfully removed"),
        _condition(
            "NamespaceFinalizersRemaining",
            "SomeFinalizersRemain",
            f"Some content in the namespace has finalizers remaining: {held}",
            true=True,
        )
        if held
        else _condition(
            "NamespaceFinalizersRemaining",
            "ContentHasNoFinalizers",
            "All content-preserving finalizers finished",
        ),
    ]


def merged(old: Sequence[Object], new: Sequence[Object], now: str) -> list[Object] | None:
    """`old` with `new` in it, times set where a status changed; None when nothing changed."""
    by_type = {condition["type"]: condition for condition in old}
    changed = False
    for condition in new:
        before = by_type.get(condition["type"])
        if before is not None and all(before.get(key) == value for key, value in condition.items()):
            continue
        changed = True
        same = before is not None and before.get("status") == condition["status"]
        since = before["lastTransitionTime"] if before is not None and same else now
        by_type[condition["type"]] = {**condition, "lastTransitionTime": since}
    return list(by_type.values()) if changed else None


def _condition(kind: str, reason: str, message: str, *, true: bool = False) -> Object:
    return {"type": kind, "status": "True" if true else "False", "reason": reason, "message": message}


def _finalizers(remaining: Mapping[Resource, Sequence[Object]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for items in remaining.values():
        for item in items:
            for finalizer in item["metadata"].get("finalizers") or ():
                counts[finalizer] = counts.get(finalizer, 0) + 1
    return counts
