"""`strongroom keys service-account`: which keys sign and verify ServiceAccount tokens, and a new one."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from strongroom.cmd import options

_EXAMPLES = """\b
Examples:
  strongroom keys service-account rotate
      a new key signs; tokens of the old one are taken until they end
  strongroom keys service-account rotate --stage
      publish the new key first, for those who verify tokens by /openid/v1/jwks; the next call uses it
  strongroom keys service-account remove --old
      the old key has leaked: refuse its tokens from now on
"""


@click.group("service-account", epilog=_EXAMPLES)
def service_account() -> None:
    """The keys that sign ServiceAccount tokens.

    They lie in `keys/service-account` below the data directory. One signs; all of them verify, and stand in
    /openid/v1/jwks. An old one is dropped when the last token that it signed has ended. The commands work
    while the server runs, at once, and without it.

    Where several servers share an etcd: rotate --stage on one, start it and the others again, which take the
    key over from etcd, then rotate on each. No key is dropped by itself there: remove it and start all again.
    """


@service_account.command(epilog="Exit codes: 0 told, 1 it could not be, 2 wrong usage.")
@options.data_dir_option
@options.output_option
def status(data_dir: Path | None, output: str) -> int:
    """Show the keys: which one signs, and until when each is needed."""
    result = _ask(data_dir, {"command": "signer-status"})
    if isinstance(result, int):
        return result
    if output == "json":
        options.json(result)
        return 0
    click.echo(f"{'KEY':<46}{'STATE':<8}{'CREATED':<22}NEEDED UNTIL")
    for row in result["keys"]:
        click.echo(f"{row['key_id']:<46}{row['state']:<8}{row['created'] or '-':<22}{_needed(row)}")
    return 0


def _needed(row: Mapping[str, Any]) -> str:
    until = f"{datetime.fromtimestamp(row['until'], UTC):%Y-%m-%dT%H:%M:%SZ}" if row["until"] else "-"
    if row["endless"] and row["tokenSecrets"] != 0:
        held = row["tokenSecrets"]
        return f"{until}, and while {'Secrets hold' if held is None else f'{held} Secrets hold'} its tokens"
    return until


@service_account.command(epilog="Exit codes: 0 done, 1 it could not be, 2 wrong usage.")
@options.data_dir_option
@click.option("--stage", is_flag=True, help="Make and publish the key; it signs after the next `rotate`.")
@options.output_option
def rotate(data_dir: Path | None, stage: bool, output: str) -> int:
    """Make a new key, which signs from now on.

    Tokens from before stay good until they end, and their key until the last of them has. A key that was
    staged, or whose rotation was cut short, is used in place of another new one.
    """
    result = _ask(data_dir, {"command": "signer-rotate", "stage": stage})
    if isinstance(result, int):
        return result
    if output == "json":
        options.json(result)
    else:
        click.echo(f"key {result['key']} {'is published and waits' if stage else 'signs from now on'}")
    return 0


@service_account.command(epilog="Exit codes: 0 done, 1 it could not be, 2 wrong usage.")
@options.data_dir_option
@click.argument("key", nargs=-1)
@click.option("--old", is_flag=True, help="All keys that signed before the one that signs now.")
@options.output_option
def remove(data_dir: Path | None, key: tuple[str, ...], old: bool, output: str) -> int:
    """Drop keys before their time: their tokens are refused at once.

    KEY is an id as `status` shows it. Nodes renew the tokens of Pods within an hour; until then such a Pod is
    refused, and one that reads its token only once until it is made anew. Tokens in Secrets stay refused:
    the answer names those Secrets. A machine that joined by a token of such a key has to join again.
    """
    if not key and not old:
        raise click.UsageError("name a KEY, or --old")
    result = _ask(data_dir, {"command": "signer-remove", "ids": key, "old": old})
    if isinstance(result, int):
        return result
    if output == "json":
        options.json(result)
        return 0
    for key_id in result["removed"]:
        click.echo(f"key {key_id} removed")
    if not result["removed"]:
        click.echo("there is no old key")
    for secret in result["tokenSecrets"]:
        click.echo(f"the token in Secret {secret} is refused: delete it, and create it anew")
    return 0


def _ask(data_dir: Path | None, request: Mapping[str, Any]) -> Any:
    """The answer of the server, or of the folder when none runs; or an exit code."""
    # Imported here: --help stays quick.
    from strongroom.aio.clock import SystemClock
    from strongroom.cmd import admin_socket, service_account_keys
    from strongroom.cmd import data_dir as data_dirs
    from strongroom.cmd.signer_commands import SignerCommands

    place = options.place(data_dir, existing=False)
    try:
        try:
            return admin_socket.call(place.root, request, lambda _: None)
        except admin_socket.NotRunning as error:
            if not any(place.service_account_keys.glob("*.key")):
                raise admin_socket.NotRunning(f"{error}, and it holds no key: see --data-dir") from None
            with place.lock():
                folder = service_account_keys.KeyFolder(place.service_account_keys, SystemClock())
                command = SignerCommands(folder).commands[str(request["command"])]
                return asyncio.run(_alone(command, request))
    except (
        admin_socket.NotRunning,
        admin_socket.Refused,
        data_dirs.InUse,
        service_account_keys.KeyFileError,
    ) as error:
        return options.fail(error)
    except OSError as error:
        return options.fail(RuntimeError(f"{error.filename or place.root}: {error.strerror}"))


async def _alone(command: Any, request: Mapping[str, Any]) -> Any:
    return await command(request, lambda _: None)
