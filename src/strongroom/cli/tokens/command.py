"""The command line of `strongroom token`."""

import asyncio
import ipaddress
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import click
import orjson

from strongroom.api import resources
from strongroom.api.core.v1 import bootstrap_token
from strongroom.api.core.v1 import secret as kinds
from strongroom.cli.tokens import secret as secrets
from strongroom.client import authority, kubeconfig
from strongroom.client.response import ConnectionFailed
from strongroom.client.rest import Client
from strongroom.machinery import duration
from strongroom.machinery.gvk import Object
from strongroom.machinery.status import StatusError

T = TypeVar("T")
_PATH: Final[Any] = click.Path(path_type=Path, dir_okay=False)
_DEFAULT_GROUP: Final = f"{bootstrap_token.GROUP}:kubeadm:default-node-token"
_EXAMPLES: Final = """\b
Examples:
  strongroom token create --ttl 1h --print-join-command
      a token for an hour, as the command to type on the machine that joins
  strongroom token create > node.token
      a token for a day, for `strongroom node --token-file node.token`
  strongroom token list
      which tokens there are, and how long they are good
  strongroom token delete abcdef
      no machine joins with it from now on; those that have joined stay
"""


@dataclass(frozen=True, slots=True)
class _Where:
    path: Path | None
    context: str

    def access(self) -> kubeconfig.Access:
        return kubeconfig.load(self.path or kubeconfig.default_path(os.environ), self.context)


@click.group(epilog=_EXAMPLES)
@click.option(
    "--kubeconfig", "path", type=_PATH, metavar="F", help="[default: $KUBECONFIG, else ~/.kube/config]"
)
@click.option("--context", default="", metavar="C", help="[default: the current one]")
@click.pass_context
def token(context_of_it: click.Context, path: Path | None, context: str) -> None:
    """The tokens that machines join with: bootstrap tokens, Secrets in kube-system."""
    context_of_it.obj = _Where(path, context)


_output = click.option(
    "-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True
)


@token.command(epilog=_EXAMPLES)
@click.option(
    "--ttl", default="24h", show_default=True, metavar="SPAN", help="How long it is good.  0: until deleted."
)
@click.option("--description", default="", metavar="TEXT", help="What it is for.")
@click.option(
    "--groups", default=_DEFAULT_GROUP, show_default=True, metavar="G,...", help="More groups of who uses it."
)
@click.option(
    "--usages",
    default="signing,authentication",
    show_default=True,
    metavar="U,...",
    help="What it is good for.",
)
@click.option("--print-join-command", is_flag=True, help="Print the command that joins a machine with it.")
@_output
@click.pass_obj
def create(
    where: _Where,
    ttl: str,
    description: str,
    groups: str,
    usages: str,
    output: str,
    *,
    print_join_command: bool,
) -> int:
    """Make a token and print it.

    This is the one time that it is shown. Whoever has it can make this cluster run Pods on a machine of
    theirs and read the Secrets of those Pods; it reads nothing by itself.

    Exit codes: 0 made, 1 the API can't be asked or refuses, 2 wrong usage.
    """
    chosen = secrets.generate()
    obj = secrets.make(
        chosen,
        ttl=_ttl(ttl),
        description=description,
        groups=_groups(groups),
        usages=_usages(usages),
        now=datetime.now(UTC),
    )

    async def post(client: Client) -> Object:
        return await client.create(resources.SECRETS, obj, bootstrap_token.NAMESPACE)

    known, made = _ask(where, post)
    if made is None:
        return 1
    whole = f"{chosen.id}.{chosen.secret}"
    if output == "json":
        shown = secrets.document(secrets.show(made, whole))
        if print_join_command:
            shown["joinCommand"] = _join_command(known, whole)
        _print_json(shown)
    else:
        click.echo(_join_command(known, whole) if print_join_command else whole)
    return 0


@token.command("list")
@_output
@click.pass_obj
def list_(where: _Where, output: str) -> int:
    """List the tokens: their ids, never their secrets.

    Exit codes: 0 listed, 1 the API can't be asked, 2 wrong usage.
    """

    async def read(client: Client) -> list[Object]:
        selector = f"type={kinds.BOOTSTRAP_TOKEN}"
        found = await client.list(resources.SECRETS, bootstrap_token.NAMESPACE, field_selector=selector)
        return found.items

    _, found = _ask(where, read)
    if found is None:
        return 1
    shown = [secrets.show(each) for each in found]
    if output == "json":
        _print_json({"kind": "BootstrapTokenList", "items": [secrets.document(each) for each in shown]})
    elif shown:
        click.echo(secrets.table(shown, datetime.now(UTC)))
    return 0


@token.command()
@click.argument("tokens", metavar="TOKEN...", nargs=-1, required=True)
@click.pass_obj
def delete(where: _Where, tokens: tuple[str, ...]) -> int:
    """Delete tokens, each told by its id or whole. Machines that have joined keep what they have.

    Exit codes: 0 deleted, 1 there is none of that id or the API can't be asked, 2 wrong usage.
    """
    ids = [each.partition(".")[0] for each in tokens]
    for given in ids:
        if bootstrap_token.parse(f"{given}.{'0' * 16}") is None:
            raise click.UsageError("a token's id is of the form [a-z0-9]{6}")
    for given in ids:

        async def remove(client: Client, name: str = f"{bootstrap_token.PREFIX}{given}") -> bool:
            await client.delete(resources.SECRETS, name, bootstrap_token.NAMESPACE)
            return True

        _, done = _ask(where, remove)
        if done is None:
            return 1
        click.echo(f'bootstrap token "{given}" deleted')
    return 0


def _ask(where: _Where, question: Callable[[Client], Awaitable[T]]) -> tuple[kubeconfig.Access, T | None]:
    """The answer; None when there is none, which one line on stderr explains."""

    async def ask(known: kubeconfig.Access) -> T:
        transport = known.transport()
        try:
            return await question(Client(transport, "strongroom-token"))
        finally:
            await transport.aclose()

    try:
        known = where.access()
    except kubeconfig.KubeconfigError as error:
        raise click.UsageError(str(error)) from None
    try:
        return known, asyncio.run(ask(known))
    except (StatusError, ConnectionFailed) as error:
        click.echo("strongroom: error: " + " ".join(str(error).split()), err=True)
        return known, None


def _ttl(text: str) -> float:
    try:
        return duration.parse_span(text)
    except ValueError as error:
        raise click.UsageError(f"--ttl: {error}") from None


def _groups(text: str) -> list[str]:
    groups = [each for each in text.split(",") if each]
    for group in groups:
        if not bootstrap_token.is_group(group):
            raise click.UsageError(f"--groups: {group!r} does not begin with {bootstrap_token.GROUP}:")
    return groups


def _usages(text: str) -> list[str]:
    usages = [each for each in text.split(",") if each]
    for usage in usages:
        if usage not in secrets.USAGES:
            raise click.UsageError(f"--usages: {usage!r} is none of {', '.join(secrets.USAGES)}")
    return usages


def _print_json(document: Any) -> None:
    click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())


def _join_command(known: kubeconfig.Access, whole: str) -> str:
    host = urlsplit(known.server).hostname or ""
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost"
    if local:
        click.echo(f"strongroom: only this machine reaches the API at {host}: see --listen", err=True)
    trust = f" --ca-cert-hash {authority.key_hash(known.ca_pem)}" if known.ca_pem else ""
    # The shell hands it over as a file: in no list of processes.
    return f"strongroom node --server {known.server}{trust} --token-file <(echo {whole})"
