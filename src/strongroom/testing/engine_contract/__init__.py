"""The contract of `store.engine.Engine`, as tests that every engine passes, bare and wrapped.

A test module subclasses `EngineContract` and gives it a fixture `open_engine`: a function that makes an
engine, not started, always over the same storage.
"""

from strongroom.testing.engine_contract.base import OpenEngine
from strongroom.testing.engine_contract.compaction import Compaction
from strongroom.testing.engine_contract.lifecycle import Lifecycle
from strongroom.testing.engine_contract.randomness import Randomness
from strongroom.testing.engine_contract.reads import Reads
from strongroom.testing.engine_contract.watches import Watches
from strongroom.testing.engine_contract.writes import Writes

__all__ = ["EngineContract", "OpenEngine"]


class EngineContract(Writes, Reads, Watches, Compaction, Lifecycle, Randomness):
    """The promises of `Engine`, one test each."""
