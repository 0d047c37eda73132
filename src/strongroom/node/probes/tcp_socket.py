"""`tcpSocket` probes: a connection is enough."""

import asyncio
from contextlib import suppress

from strongroom.node.probes import network_errors
from strongroom.node.probes.outcome import Outcome


async def probe(host: str, port: int, timeout: float) -> Outcome:
    """Connect, and hang up at once."""
    try:
        async with asyncio.timeout(timeout):
            _, writer = await asyncio.open_connection(host, port)
    except OSError as error:
        return Outcome(False, network_errors.dialing(network_errors.joined(host, port), error))
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return Outcome(True)
