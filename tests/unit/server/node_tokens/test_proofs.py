"""What the server shows to nodes, made anew in time."""

from strongroom.aio.clock import FakeClock
from strongroom.server.node_tokens import tokens
from strongroom.server.node_tokens.tokens import NodeTokens
from strongroom.server.service_accounts import keys
from strongroom.server.service_accounts.settings import TokenSettings
from strongroom.testing import api_server


async def test_proofs_of_nodes_that_are_gone_are_not_kept_for_ever() -> None:
    clock = FakeClock()
    async with api_server.running() as server:
        node_tokens = NodeTokens(TokenSettings(keys.generate()), server.catalog, clock)
        used = node_tokens.proof("used")
        for number in range(tokens.CACHE_SIZE - 1):
            node_tokens.proof(f"gone-{number}")
        assert node_tokens.proof("used") == used
        clock.advance(tokens.PROOF_LIFETIME)
        renewed = node_tokens.proof("used")
        assert renewed != used
        for number in range(100):
            node_tokens.proof(f"more-{number}")
        clock.jump(-3600)
        anew = node_tokens.proof("used")
        assert anew != renewed, "one that begins in an hour is good for nothing"
        renewed = anew
        assert len(node_tokens._proofs) == tokens.CACHE_SIZE
        assert node_tokens.proof("used") == renewed
