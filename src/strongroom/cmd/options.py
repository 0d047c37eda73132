"""What commands on a data directory have in common on the command line."""

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
import orjson

from strongroom.cmd import settings
from strongroom.cmd.data_dir import DataDir

_PATH: Any = click.Path(path_type=Path)


def data_dir_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """--data-dir, as `strongroom up` takes it."""
    return click.option(
        "--data-dir",
        type=_PATH,
        metavar="D",
        envvar="STRONGROOM_DATA_DIR",
        help="The data directory.  [default: /var/lib/strongroom for root, else the XDG data directory]",
    )(function)


def encryption_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """--passphrase-file and --encryption-config, as `strongroom up` takes them."""
    function = click.option(
        "--encryption-config",
        type=_PATH,
        metavar="F",
        envvar="STRONGROOM_ENCRYPTION_CONFIG",
        help="The EncryptionConfiguration that the server uses, if it does.",
    )(function)
    return click.option(
        "--passphrase-file",
        type=_PATH,
        metavar="F",
        envvar="STRONGROOM_PASSPHRASE_FILE",
        help="Holds the passphrase of the keyring.  [default: asked for at a terminal]",
    )(function)


def store_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """--store, as `strongroom up` takes it."""
    return click.option(
        "--store",
        default=settings.SQLITE,
        show_default=True,
        metavar="STORE",
        envvar="STRONGROOM_STORE",
        callback=_checked,
        help="The store that the server uses: sqlite, or an etcd as etcd://HOST:PORT,...",
    )(function)


def _checked(_: click.Context, __: click.Parameter, text: str) -> str:
    settings.check_store(text)
    return text


def output_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """-o text or json."""
    return click.option(
        "-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True
    )(function)


def place(chosen: Path | None, *, existing: bool = True, store: str = "") -> DataDir:
    """The data directory. Raises UsageError when it must hold a database and does not.

    `store`: what --store says, where there is one."""
    found = DataDir((chosen or settings.default_data_dir(os.environ)).absolute())
    if existing and store in ("", settings.SQLITE) and not found.database.exists():
        other = ", or an etcd with --store" if store else ""
        raise click.UsageError(
            f"{found.root} holds no database; name the data directory with --data-dir{other}"
        )
    return found


class ProgressLine:
    """One line on stderr that is written over at a terminal, and every few seconds else."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._last = ""

    def show(self, text: str, *, last: bool = False) -> None:
        """`last`: the line is done."""
        if self._terminal:
            click.echo("\r" + text.ljust(len(self._last)), err=True, nl=last)
            self._last = "" if last else text
        elif last:
            click.echo(text, err=True)


def fail(error: Exception) -> int:
    """One line on stderr; the exit code."""
    click.echo("strongroom: error: " + " ".join(str(error).split()), err=True)
    return 1


def json(document: Mapping[str, Any]) -> None:
    """A JSON document on stdout."""
    click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
