"""`exec` probes: a command in the container, whose exit code counts."""

from collections.abc import Sequence

from strongroom.machinery.validation import go_quote
from strongroom.node.cri.errors import CRIError
from strongroom.node.exec_sync import ExecSync, ExecTimeoutError
from strongroom.node.probes.outcome import Outcome, ProbeError


async def probe(runner: ExecSync, container_id: str, command: Sequence[str], timeout: float) -> Outcome:
    """Run the command. Raises `ProbeError` if it could not be started."""
    try:
        result = await runner.exec_sync(container_id, command, timeout)
    except ExecTimeoutError:
        return Outcome(False, f"command {go_quote(' '.join(command))} timed out")
    except CRIError as error:
        raise ProbeError(error.rpc, foreign=True) from None
    text = result.output.decode(errors="replace")
    return Outcome(result.exit_code == 0, text, foreign=True)
