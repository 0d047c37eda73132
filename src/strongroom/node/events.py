"""Telling a pod's owner what happens to it."""

from typing import Protocol

from strongroom.machinery.gvk import Object

NORMAL = "Normal"
WARNING = "Warning"


class Recorder(Protocol):
    """Where events go. Never waits and never fails; repeats are counted, not repeated."""

    def event(self, obj: Object, type: str, reason: str, message: str, field_path: str = "") -> None: ...


def field_path(container: Object, *, is_init: bool, is_ephemeral: bool = False) -> str:
    """`spec.containers{name}`: the part of a pod that an event is about."""
    field = "initContainers" if is_init else "ephemeralContainers" if is_ephemeral else "containers"
    return f"spec.{field}{{{container['name']}}}"
