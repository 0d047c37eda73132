"""Only so many starts at once in one pod."""

import gc

from strongroom.node.streaming import start_gate


async def test_pods_do_not_wait_for_one_another() -> None:
    gates = start_gate.StartGate(at_once=1)
    async with gates.of("a"):
        assert gates.of("a").locked()
        assert not gates.of("b").locked()


async def test_a_gate_is_forgotten_when_nobody_stands_at_it() -> None:
    gates = start_gate.StartGate(at_once=1)
    async with gates.of("a"):
        pass
    gc.collect()
    assert len(gates._gates) == 0
