"""A cache that is behind what its controller wrote."""

from strongroom.controllers.own_writes import OwnWrites
from strongroom.machinery.gvk import Object


def obj(uid: str, version: int) -> Object:
    return {"metadata": {"uid": uid, "resourceVersion": str(version)}}


def test_what_is_older_than_the_last_write_does_not_have_it() -> None:
    writes = OwnWrites()
    assert not writes.unseen(obj("a", 9))
    writes.note(obj("a", 10))
    assert writes.unseen(obj("a", 9)), "versions are numbers, not texts"
    assert not writes.unseen(obj("a", 10))
    assert not writes.unseen(obj("a", 11)), "somebody else wrote since"
    assert not writes.unseen(obj("b", 1))


def test_between_two_writes_of_others_it_is_still_behind() -> None:
    """A change by somebody else that came before the write is no sign of the write."""
    writes = OwnWrites()
    writes.note(obj("a", 7))
    assert writes.unseen(obj("a", 6))


def test_what_is_gone_is_forgotten() -> None:
    writes = OwnWrites()
    writes.note(obj("a", 7))
    writes.forget("a")
    assert not writes.unseen(obj("a", 1))
    writes.forget("never seen")
