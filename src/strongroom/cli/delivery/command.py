"""The command line of `strongroom delivery`."""

import asyncio
import os
import re
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click
import orjson

from strongroom.cli.delivery import holders, report, state
from strongroom.cli.delivery.holders import Holder
from strongroom.client import kubeconfig
from strongroom.client.response import ConnectionFailed
from strongroom.client.rest import Client
from strongroom.machinery.status import StatusError

_PATH: Final[Any] = click.Path(path_type=Path, dir_okay=False)
_SHOWN: Final = 5
_EXAMPLES: Final = """\b
Examples:
  strongroom delivery secret db -n shop
      which version of the Secret each container holds
  strongroom delivery secret db -n shop --wait --timeout 30s
      in a script, after a change: returns when every file holds it
  kubectl rollout restart deployment web -n shop
  strongroom delivery secret db -n shop --wait --for all --timeout 2m
      the same for variables and subPath mounts, which need a restart
  kubectl get secretdeliveries -n shop -o json
      what the nodes have told, for other programs
"""
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class Duration(click.ParamType[float]):
    """`30s`, `1m30s`, `500ms`; a number alone is seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        text = str(value)
        if re.fullmatch(r"\d+(\.\d+)?", text, re.ASCII):
            return float(text)
        if not re.fullmatch(r"(\d+(\.\d+)?(ms|s|m|h))+", text, re.ASCII):
            self.fail(f"{text!r} is not a duration such as 30s or 2m", param, ctx)
        parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h)", text)
        return sum(float(number) * _UNITS[unit] for number, unit in parts)


@click.group()
def delivery() -> None:
    """What has reached the containers."""


@delivery.command(epilog=_EXAMPLES)
@click.argument("name")
@click.option("-n", "--namespace", metavar="NS", help="Its namespace.  [default: that of the context]")
@click.option(
    "--kubeconfig", "path", type=_PATH, metavar="F", help="[default: $KUBECONFIG, else ~/.kube/config]"
)
@click.option("--context", default="", metavar="C", help="[default: the current one]")
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.option("--wait", is_flag=True, help="Return when the newest version has arrived.")
@click.option(
    "--timeout", type=Duration(), metavar="T", help="With --wait: give up after this.  [default: 1m]"
)
@click.option(
    "--for",
    "whom",
    type=click.Choice(["files", "all"]),
    help="With --wait: files of volumes alone, which follow the Secret; or variables and subPath mounts too, "
    "which are as they were when their container started.  [default: files]",
)
def secret(
    name: str,
    namespace: str | None,
    path: Path | None,
    context: str,
    output: str,
    *,
    wait: bool,
    timeout: float | None,
    whom: str | None,
) -> int:
    """List which version of the Secret NAME each container holds: the Secret's resourceVersion.

    Files of volumes follow the Secret. Variables and subPath mounts keep the version that was there when
    their container started and are Stale until it is restarted. Needs to get the Secret, to list Pods and
    secretdeliveries, and reads no value.

    Exit codes: 0 listed, or all have arrived, 1 --timeout is over and someone lags behind, or the API can't
    be asked, 2 wrong usage.
    """
    if not wait and (timeout is not None or whom is not None):
        raise click.UsageError("--timeout and --for need --wait")
    try:
        known = kubeconfig.load(path or kubeconfig.default_path(os.environ), context)
        chosen = namespace or known.namespace
        patience = (60.0 if timeout is None else timeout) if wait else None
        newest, found = asyncio.run(_find(known, chosen, name, patience, files_only=whom != "all"))
    except kubeconfig.KubeconfigError as error:
        raise click.UsageError(str(error)) from None
    except (StatusError, ConnectionFailed, state.NoReceiptsError) as error:
        return _fail(str(error))
    if output == "json":
        document = report.document(chosen, name, newest, found)
        click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
    elif found:
        click.echo(report.table(newest, found, datetime.now(UTC)))
    else:
        click.echo(f"No container uses secret {chosen}/{name}.", err=True)
    late = holders.lagging(found, files_only=whom != "all") if wait else []
    if late:
        return _fail(
            f"timed out waiting for version {newest or '<none>'} of secret {chosen}/{name}: "
            f"{len(late)} of {len(found)} lag behind: {_named(late)}"
        )
    return 0


def _named(late: Sequence[Holder]) -> str:
    shown = ", ".join(str(holder) for holder in late[:_SHOWN])
    return shown if len(late) <= _SHOWN else f"{shown} and {len(late) - _SHOWN} more"


def _fail(text: str) -> int:
    click.echo("strongroom: error: " + " ".join(text.split()), err=True)
    return 1


async def _find(
    known: kubeconfig.Access, namespace: str, name: str, patience: float | None, *, files_only: bool
) -> tuple[str, list[Holder]]:
    transport = known.transport()
    client = Client(transport, "strongroom-delivery")
    try:
        if patience is None:
            return await state.read(client, namespace, name)
        return await state.wait(
            client, namespace, name, patience, files_only=files_only, progress=_progress()
        )
    finally:
        await transport.aclose()


def _progress() -> Callable[[list[Holder]], None]:
    """Tells a person at a terminal who is waited for, once for each change."""
    told: list[str] = []

    def tell(late: list[Holder]) -> None:
        text = f"waiting for {len(late)}: {_named(late)}"
        if sys.stderr.isatty() and told[-1:] != [text]:
            told.append(text)
            click.echo(text, err=True)

    return tell
