"""A small kind with every sort of field that server-side apply knows, and random documents of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from strongroom.machinery.gvk import Object
from strongroom.machinery.patch.apply.types import (
    NUMERIC,
    STRING,
    Atomic,
    Items,
    ListType,
    MapType,
    Scalar,
    Type,
)


@dataclass(frozen=True)
class Record:
    """A struct whose fields are given."""

    fields: Mapping[str, Type]
    always: Mapping[str, Any] = field(default_factory=dict)


TEXT = Scalar(STRING)
PORT = Record({"port": Scalar(NUMERIC), "protocol": TEXT, "host": TEXT})
SPEC = Record({"size": Scalar(NUMERIC), "note": TEXT, "selector": Atomic(MapType(TEXT))})
KIND = Record(
    {
        "kind": TEXT,
        "apiVersion": TEXT,
        "metadata": Record({"name": TEXT, "labels": MapType(TEXT), "finalizers": ListType(TEXT)}),
        "data": MapType(TEXT),
        "type": TEXT,
        "spec": SPEC,
        "ports": ListType(PORT, ("port", "protocol"), (("protocol", "TCP"),)),
        "command": Atomic(Items(TEXT)),
    },
    {"metadata": {}},
)


def _some(fields: Mapping[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Object]:
    return st.fixed_dictionaries({}, optional=dict(fields))


_WORDS = st.sampled_from(["a", "b", "c", "d"])
_PORTS = st.lists(
    _some({"host": _WORDS}).flatmap(
        lambda rest: st.builds(
            lambda port, protocol: {"port": port, "protocol": protocol, **rest},
            st.integers(80, 83),
            st.sampled_from(["TCP", "UDP"]),
        )
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda port: (port["port"], port["protocol"]),
)

documents = _some(
    {
        "metadata": _some(
            {
                "labels": st.dictionaries(_WORDS, _WORDS, min_size=1, max_size=3),
                "finalizers": st.lists(_WORDS, min_size=1, max_size=3, unique=True),
            }
        ),
        "data": st.dictionaries(_WORDS, _WORDS, min_size=1, max_size=3),
        "type": _WORDS,
        "spec": _some(
            {
                "size": st.integers(0, 3),
                "note": _WORDS,
                "selector": st.dictionaries(_WORDS, _WORDS, min_size=1, max_size=2),
            }
        ),
        "ports": _PORTS,
        "command": st.lists(_WORDS, min_size=1, max_size=3),
    }
)
"""Documents of KIND."""
