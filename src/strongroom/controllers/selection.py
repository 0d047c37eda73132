"""The selectors of workloads, parsed once."""

from strongroom.client.watching import DELETED
from strongroom.machinery import selectors
from strongroom.machinery.gvk import Object
from strongroom.machinery.selectors import Labels, LabelSelector


class Selectors:
    """Kept by the events of an informer: `changed` is its callback. A selector never changes."""

    def __init__(self) -> None:
        self._of: dict[str, dict[str, LabelSelector]] = {}

    def changed(self, kind: str, workload: Object) -> None:
        metadata = workload["metadata"]
        namespace, name = metadata["namespace"], metadata["name"]
        here = self._of.setdefault(namespace, {})
        if kind == DELETED:
            here.pop(name, None)
            if not here:
                del self._of[namespace]
        elif kind == "ADDED" or name not in here:
            selector = _parse(workload)
            if selector is not None:
                here[name] = selector

    def of(self, workload: Object) -> LabelSelector | None:
        """None chooses nothing."""
        metadata = workload["metadata"]
        return self._of.get(metadata["namespace"], {}).get(metadata["name"])

    def matching(self, namespace: str, labels: Labels | None) -> list[str]:
        """The names of the namespace's workloads that choose an object with these labels."""
        here = self._of.get(namespace, {})
        return [name for name, selector in here.items() if selector.matches(labels)]


def _parse(workload: Object) -> LabelSelector | None:
    try:
        found = selectors.from_object((workload.get("spec") or {}).get("selector"))
    except selectors.SelectorError:
        return None
    return found if found is not None and not found.empty else None
