"""Who controls what, and how that changes."""

from typing import Any

from strongroom.api import resources
from strongroom.controllers import ownership
from strongroom.machinery import selectors
from strongroom.machinery.gvk import Object

WEB = selectors.from_object({"matchLabels": {"app": "web"}})
OWNER: Object = {"metadata": {"name": "web", "namespace": "n", "uid": "owner"}}


def pod(name: str, app: str = "web", owner: str = "", **metadata: Any) -> Object:
    made = {"name": name, "namespace": "n", "uid": f"uid-{name}", "labels": {"app": app}, **metadata}
    if owner:
        reference = {"kind": "ReplicaSet", "name": "x", "uid": owner, "controller": True}
        made["ownerReferences"] = [{"kind": "Node", "name": "y", "uid": "z"}, reference]
    return {"metadata": made}


def names(objects: list[Object]) -> list[str]:
    return [each["metadata"]["name"] for each in objects]


def claimed(owner: Object, *pods: Object) -> tuple[list[str], list[str], list[str]]:
    found = ownership.claim(owner, WEB, pods)
    return names(found.held), names(found.adopt), names(found.release)


def test_the_controller_is_the_reference_that_says_so() -> None:
    assert ownership.controller_of(pod("p", owner="u")) == ownership.Controller("ReplicaSet", "x", "u")
    assert ownership.controller_of(pod("p")) is None
    unowned = {"metadata": {"ownerReferences": [{"kind": "Node", "name": "y", "uid": "z"}]}}
    assert ownership.controller_of(unowned) is None


def test_a_claim_holds_adopts_releases_and_leaves_alone() -> None:
    pods = [
        pod("own", owner="owner"),
        pod("own-no-more", app="x", owner="owner"),
        pod("free"),
        pod("free-other", app="x"),
        pod("of-another", owner="other"),
        pod("free-but-ending", deletionTimestamp="now"),
    ]
    assert claimed(OWNER, *pods) == (["own"], ["free"], ["own-no-more"])


def test_an_owner_that_ends_changes_nothing() -> None:
    ending = {"metadata": {**OWNER["metadata"], "deletionTimestamp": "now"}}
    pods = [pod("own", owner="owner"), pod("own-no-more", app="x", owner="owner"), pod("free")]
    assert claimed(ending, *pods) == (["own"], [], [])


def test_without_a_selector_nothing_is_adopted() -> None:
    found = ownership.claim(OWNER, None, [pod("free")])
    assert not found.adopt


def test_the_patches_hold_for_one_object_alone() -> None:
    adopted = ownership.adoption(OWNER, resources.REPLICA_SETS, pod("p"), resources.PODS)
    assert (adopted.resource, adopted.namespace, adopted.name) == (resources.PODS, "n", "p")
    assert adopted.patch == {
        "metadata": {
            "uid": "uid-p",
            "ownerReferences": [
                {
                    "apiVersion": "apps/v1",
                    "kind": "ReplicaSet",
                    "name": "web",
                    "uid": "owner",
                    "controller": True,
                    "blockOwnerDeletion": True,
                }
            ],
        }
    }
    released = ownership.releasing(OWNER, pod("p"), resources.PODS)
    assert released.patch == {
        "metadata": {"uid": "uid-p", "ownerReferences": [{"$patch": "delete", "uid": "owner"}]}
    }


def test_the_index_follows_changes_of_owner() -> None:
    told: list[tuple[str, str | None]] = []

    def tell(kind: str, obj: Object, before: Object | None) -> None:
        told.append((kind, None if before is None else before["metadata"]["labels"]["app"]))

    index = ownership.Index(tell)
    index.changed("ADDED", pod("p"))
    assert names(index.uncontrolled("n")) == ["p"]
    assert index.uncontrolled("other") == []
    index.changed("MODIFIED", pod("p", app="x", owner="owner"))
    assert (names(index.controlled_by("owner")), index.uncontrolled("n")) == (["p"], [])
    index.changed("ADDED", pod("q", owner="owner"))
    index.changed("DELETED", pod("p", owner="owner"))
    assert names(index.controlled_by("owner")) == ["q"]
    index.changed("DELETED", pod("q", owner="owner"))
    assert index.controlled_by("owner") == []
    index.changed("DELETED", pod("unknown"))
    assert told == [
        ("ADDED", None),
        ("MODIFIED", "web"),
        ("ADDED", None),
        ("DELETED", "x"),
        ("DELETED", "web"),
        ("DELETED", None),
    ]
