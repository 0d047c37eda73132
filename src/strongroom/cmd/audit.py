"""`strongroom audit verify`: is the audit log as it was written?"""

import os
from pathlib import Path

import click

from strongroom.cmd import settings
from strongroom.cmd.data_dir import DataDir
from strongroom.server.audit import chain, log


@click.group()
def audit() -> None:
    """The audit log: who did what, when."""


@audit.command()
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    envvar="STRONGROOM_DATA_DIR",
    metavar="D",
    help="The data directory whose log is checked.",
)
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, exists=True, dir_okay=False))
def verify(data_dir: Path | None, files: tuple[Path, ...]) -> int:
    """Check that no line of the audit log was changed, removed or moved.

    FILES: parts of a log, oldest first; without them the log in the data directory. Prints the last line's
    hash: kept elsewhere, it shows later that the end of the log was not cut off.

    Exit codes: 0 all lines are as they were written, 1 one is not, and it is named, 2 wrong usage.
    """
    place = DataDir(data_dir or settings.default_data_dir(os.environ))
    chosen = list(files) or log.files(place.audit_log)
    if not chosen:
        raise click.UsageError(f"there is no audit log at {place.audit_log}")
    try:
        found = chain.verify(chosen)
    except chain.Broken as error:
        click.echo(f"strongroom: error: {error}", err=True)
        return 1
    except OSError as error:
        click.echo(f"strongroom: error: {error.filename}: {error.strerror}", err=True)
        return 1
    older = "" if found.whole else " (older files are gone)"
    click.echo(f"{found.lines} lines as they were written{older}; last hash {found.last}")
    return 0
