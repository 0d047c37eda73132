"""`strongroom audit verify`: is the audit log as it was written?"""

from pathlib import Path

import click

from strongroom.server.audit import chain, log


@click.group()
def audit() -> None:
    """The audit log: who did what, when."""


@audit.command()
@click.argument(
    "path",
    envvar="STRONGROOM_AUDIT_LOG_PATH",
    type=click.Path(path_type=Path, dir_okay=False),
)
def verify(path: Path) -> int:
    """Check that no line of the audit log at PATH was changed, removed or moved.

    PATH is what --audit-log-path said; the parts that were rotated away beside it are checked with it. Prints
    the last line's hash: kept elsewhere, it shows later that the end of the log was not cut off.

    Exit codes: 0 all lines are as they were written, 1 one is not, and it is named, 2 wrong usage.
    """
    found = log.files(path)
    if not found:
        raise click.UsageError(f"there is no audit log at {path}")
    try:
        verified = chain.verify(found)
    except chain.Broken as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(f"{error.filename}: {error.strerror}")
    older = "" if verified.whole else " (older parts are gone)"
    click.echo(f"{verified.lines} lines as they were written{older}; last hash {verified.last}")
    return 0


def _fail(text: str) -> int:
    click.echo(f"strongroom: error: {text}", err=True)
    return 1
