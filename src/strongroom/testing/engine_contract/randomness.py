"""Operations at random against the model."""

import asyncio
import random
from collections.abc import Callable

from strongroom.store import errors
from strongroom.store.engine import Engine
from strongroom.testing.engine_contract.base import Base, OpenEngine, seeded, take, watching
from strongroom.testing.engine_model import EngineModel


class Randomness(Base):
    """Operations at random against the model."""

    async def test_random_operations_agree_with_a_model(self, open_engine: OpenEngine) -> None:
        chosen = seeded()
        model = EngineModel()
        engine = open_engine()
        await engine.start()
        try:
            for step in range(self.operations):
                if self.durable and chosen.random() < 0.01:
                    await engine.close()
                    engine = open_engine()
                    await engine.start()
                await self._random_step(chosen, model, engine, step)
            assert await engine.current_revision() == model.revision
            since = chosen.randint(model.compacted - 1, model.revision)
            expected = [self.event(e) for e in model.events("/registry/", since)]
            async with watching(engine, "/registry/", since) as events:
                assert [self.event(e) for e in await take(events, len(expected))] == expected
        finally:
            await engine.close()

    async def _random_step(
        self, chosen: random.Random, model: EngineModel, engine: Engine, step: int
    ) -> None:
        key = f"/registry/{chosen.choice(['a', 'a/b', 'b'])}/{chosen.randrange(6)}"
        live = model.state().get(key)
        expected = (
            live.mod_revision if live and chosen.random() < 0.8 else chosen.randint(0, model.revision + 1)
        )
        value = b"%d" % step
        revision = chosen.choice([0, 0, chosen.randint(max(1, model.compacted - 2), model.revision + 1)])
        match chosen.choices(["create", "update", "delete", "get", "range", "compact"], [4, 5, 3, 3, 3, 0.4])[
            0
        ]:
            case "create":
                await _same(lambda m: m.create(key, value), model, engine)
            case "update":
                await _same(lambda m: m.update(key, value, expected), model, engine)
            case "delete":
                await _same(lambda m: m.delete(key, expected), model, engine)
            case "compact":
                to = chosen.randint(1, model.revision)
                if to == 2:
                    to = (
                        1  # before it there is nothing to forget, and etcd does not remember that it was told
                    )
                await _same(lambda m: m.compact(to), model, engine)
            case "get":
                wanted = await _outcome(lambda: self.kv(model.state(revision).get(key)))
                assert await _outcome(lambda: engine.get(key, revision)) == wanted
            case "range":
                prefix = chosen.choice(["/registry/", "/registry/a/", "/registry/b/", "/registry/a/b/"])
                start = chosen.choice(["", key])
                limit = chosen.choice([0, 1, 3])
                wanted = await _outcome(
                    lambda: (
                        [self.kv(kv) for kv in model.range(prefix, start, limit, revision)[0]],
                        model.range(prefix, start, limit, revision)[1],
                    )
                )

                async def read() -> object:
                    found = await engine.range(prefix, start=start, limit=limit, revision=revision)
                    return list(found.items), found.count

                assert await _outcome(read) == wanted


async def _outcome(call: Callable[[], object]) -> object:
    """The result, or the error's type and text."""
    try:
        result = call()
        return await result if asyncio.iscoroutine(result) else result
    except errors.StoreError as error:
        return type(error), str(error)


async def _same(call: Callable[..., object], model: EngineModel, engine: Engine) -> None:
    wanted = await _outcome(lambda: call(model))
    assert await _outcome(lambda: call(engine)) == wanted
