"""The command line of `strongroom access`."""

import asyncio
import os
from pathlib import Path
from typing import Any, Final

import click
import orjson

from strongroom.cli.access import report, state, ways
from strongroom.cli.access.model import Holder
from strongroom.client import kubeconfig
from strongroom.client.response import ConnectionFailed
from strongroom.client.rest import Client
from strongroom.machinery.status import StatusError

_PATH: Final[Any] = click.Path(path_type=Path, dir_okay=False)
_EXAMPLES: Final = """\b
Examples:
  strongroom access secret db -n shop
      everyone who can obtain the Secret, and how
  strongroom access secret db -n shop -o json
      the same for programs
  strongroom access secret db -n shop --fail-on-indirect
      in a pipeline: fails when someone gets at it who may not read it
"""


@click.group()
def access() -> None:
    """Who can get at what."""


@access.command(epilog=_EXAMPLES)
@click.argument("name")
@click.option("-n", "--namespace", metavar="NS", help="Its namespace.  [default: that of the context]")
@click.option(
    "--kubeconfig", "path", type=_PATH, metavar="F", help="[default: $KUBECONFIG, else ~/.kube/config]"
)
@click.option("--context", default="", metavar="C", help="[default: the current one]")
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.option(
    "--fail-on-indirect",
    is_flag=True,
    help="Exit with 1 when a subject that may not read the Secret can obtain it; nodes and parts of the "
    "control plane do not count.",
)
def secret(
    name: str, namespace: str | None, path: Path | None, context: str, output: str, *, fail_on_indirect: bool
) -> int:
    """List every subject that can obtain the value of the Secret NAME, and by which way.

    Directly, who may get, list, watch or patch it. Indirectly, who may create a Pod (or a workload that
    creates Pods) in its namespace, go into a Pod that has it, impersonate someone who can obtain it, make or
    read a token of theirs, join as a node, or give themselves the right to; and the nodes that run such Pods.
    Works with every Kubernetes cluster. Needs to read roles, bindings, ServiceAccounts and Pods, and no
    value; Secrets that hold tokens are found where the metadata of all Secrets may be listed.

    Exit codes: 0 listed, 1 --fail-on-indirect has found someone, or the API can't be asked, 2 wrong usage.
    """
    try:
        known = kubeconfig.load(path or kubeconfig.default_path(os.environ), context)
        chosen = namespace or known.namespace
        holders = asyncio.run(_find(known, chosen, name))
    except kubeconfig.KubeconfigError as error:
        raise click.UsageError(str(error)) from None
    except (StatusError, ConnectionFailed) as error:
        click.echo("strongroom: error: " + " ".join(str(error).split()), err=True)
        return 1
    if output == "json":
        document = report.document(chosen, name, holders)
        click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
    else:
        click.echo(report.table(holders))
    found = [holder for holder in holders if not holder.direct and not holder.subject.built_in]
    if fail_on_indirect and found:
        shown = ", ".join(str(holder.subject) for holder in found)
        text = f"{chosen}/{name} can be obtained without the right to read it: {shown}"
        click.echo(f"strongroom: {text}", err=True)
        return 1
    return 0


async def _find(known: kubeconfig.Access, namespace: str, name: str) -> list[Holder]:
    transport = known.transport()
    try:
        return ways.find(await state.read(Client(transport, "strongroom-access"), namespace, name))
    finally:
        await transport.aclose()
