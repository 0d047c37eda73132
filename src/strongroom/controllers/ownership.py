"""Who controls an object: the owner reference with `controller: true`, gained by adoption, lost by release.

Source: Kubernetes documentation, "Owners and Dependents"; the design proposal "ControllerRef".
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from strongroom.client import requests
from strongroom.controllers.actions import Patch
from strongroom.machinery.gvk import Object, Resource
from strongroom.machinery.selectors import LabelSelector


class Controller(NamedTuple):
    """What an object says of its controller."""

    kind: str
    name: str
    uid: str


def controller_of(obj: Object) -> Controller | None:
    for reference in obj["metadata"].get("ownerReferences") or ():
        if reference.get("controller"):
            return Controller(reference.get("kind", ""), reference.get("name", ""), reference.get("uid", ""))
    return None


def reference_to(owner: Object, resource: Resource) -> Object:
    """The owner reference by which `owner` controls something."""
    return {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


@dataclass(slots=True)
class Claim:
    """Of the objects that an owner may be concerned with: those it has, gains, loses."""

    held: list[Object] = field(default_factory=list)
    adopt: list[Object] = field(default_factory=list)
    release: list[Object] = field(default_factory=list)


def claim(owner: Object, selector: LabelSelector | None, candidates: Iterable[Object]) -> Claim:
    """What the owner's selector makes of objects that it controls and of such that nobody controls.

    An owner that is being deleted neither gains nor loses; an object that is being deleted is not adopted.
    """
    found = Claim()
    uid, ends = owner["metadata"]["uid"], bool(owner["metadata"].get("deletionTimestamp"))
    for candidate in candidates:
        metadata = candidate["metadata"]
        fits = selector is not None and selector.matches(metadata.get("labels"))
        controller = controller_of(candidate)
        if controller is not None:
            if controller.uid == uid and fits:
                found.held.append(candidate)
            elif controller.uid == uid and not ends:
                found.release.append(candidate)
        elif fits and not ends and not metadata.get("deletionTimestamp"):
            found.adopt.append(candidate)
    return found


def adoption(owner: Object, resource: Resource, adopted: Object, of: Resource) -> Patch:
    """Makes `owner`, of `resource`, the controller of `adopted`, of the resource `of`."""
    return _patch(adopted, of, [reference_to(owner, resource)])


def releasing(owner: Object, released: Object, of: Resource) -> Patch:
    """Takes the owner off the released object's owner references."""
    return _patch(released, of, [{"$patch": "delete", "uid": owner["metadata"]["uid"]}])


def _patch(obj: Object, resource: Resource, references: list[Object]) -> Patch:
    metadata = obj["metadata"]
    return Patch(
        resource,
        metadata["namespace"],
        metadata["name"],
        {"metadata": {"ownerReferences": references, "uid": metadata["uid"]}},
        content_type=requests.STRATEGIC_MERGE,
    )


class Index:
    """Objects by who controls them, kept by the events of an informer: `changed` is its callback.

    `told` is called after each event with its kind, the object, and the object as it was before (None: it is
    new here).
    """

    def __init__(self, told: Callable[[str, Object, Object | None], None] | None = None) -> None:
        self._known: dict[tuple[str, str], Object] = {}
        self._controlled: dict[str, dict[str, Object]] = {}
        self._free: dict[str, dict[str, Object]] = {}
        self._told = told

    def controlled_by(self, uid: str) -> list[Object]:
        """All that the controller with that uid has."""
        return list(self._controlled.get(uid, {}).values())

    def uncontrolled(self, namespace: str) -> list[Object]:
        """All in the namespace that have no controller."""
        return list(self._free.get(namespace, {}).values())

    def changed(self, kind: str, obj: Object) -> None:
        metadata = obj["metadata"]
        key = (metadata["namespace"], metadata["name"])
        before = self._known.pop(key, None)
        if before is not None:
            _drop(*self._place(before), before)
        if kind != "DELETED":
            self._known[key] = obj
            groups, group = self._place(obj)
            groups.setdefault(group, {})[metadata["name"]] = obj
        if self._told is not None:
            self._told(kind, obj, before)

    def _place(self, obj: Object) -> tuple[dict[str, dict[str, Object]], str]:
        controller = controller_of(obj)
        if controller is not None:
            return self._controlled, controller.uid
        return self._free, obj["metadata"]["namespace"]


def _drop(groups: dict[str, dict[str, Object]], group: str, obj: Object) -> None:
    objects = groups[group]
    del objects[obj["metadata"]["name"]]
    if not objects:
        del groups[group]
