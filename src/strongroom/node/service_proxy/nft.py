"""The program `nft`: puts a ruleset into force, all of it or nothing."""

import asyncio
from pathlib import Path

_SECONDS = 20.0


async def apply(program: Path, ruleset: str) -> None:
    """Raises OSError with the first line of what nft says."""
    try:
        await _apply(program, ruleset)
    except RuntimeError as error:  # uvloop's, when the child died before it read anything
        raise OSError(f"nft: {error}") from error


async def _apply(program: Path, ruleset: str) -> None:
    process = await asyncio.create_subprocess_exec(
        str(program),
        "-f",
        "-",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(_SECONDS):
            _, said = await process.communicate(ruleset.encode())
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        first = (said.decode(errors="replace").strip().splitlines() or ["no reason given"])[0]
        raise OSError(f"nft: {first}")
