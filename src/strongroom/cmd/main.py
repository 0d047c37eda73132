"""The `strongroom` command."""

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

import strongroom
from strongroom.cli.access import command as access
from strongroom.cli.delivery import command as delivery
from strongroom.cli.tokens import command as tokens
from strongroom.cmd import (
    audit,
    audit_log,
    authentication,
    backup,
    cluster_options,
    keys,
    migrate,
    node_command,
    node_flags,
    outcome,
    settings,
    transfer,
)
from strongroom.cmd.flags import PATH as _PATH
from strongroom.cmd.flags import flag as _option

_EXAMPLES = """\b
Examples:
  strongroom up
      everything on this machine; then: kubectl create secret generic ...
  strongroom up --no-node --listen 127.0.0.1:7443
      the API alone, on another port
  strongroom up --data-dir ./lab --kubeconfig ./lab.kubeconfig
      a lab of its own; then: kubectl --kubeconfig ./lab.kubeconfig get secrets
"""
_SERVER_EXAMPLES = """\b
Examples:
  strongroom server --listen 10.0.0.1:6443
      for machines that join: strongroom token create --print-join-command
  strongroom server --listen 0.0.0.0:6443 --tls-san api.example
      on all addresses, and by another name
  strongroom server --listen 10.0.0.1:6443 --store etcd://10.0.0.7:2379
      one of several servers on one etcd
"""


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=_EXAMPLES
    + """
\b
Shell completion, for bash, zsh and fish:
  eval "$(_STRONGROOM_COMPLETE=bash_source strongroom)"
  eval "$(_STRONGROOM_COMPLETE=zsh_source strongroom)"
  _STRONGROOM_COMPLETE=fish_source strongroom | source
""",
)
@click.version_option(strongroom.__version__, prog_name="strongroom", message="%(prog)s %(version)s")
def app() -> None:
    """Kubernetes Secrets, end to end: API server, encrypted store, controllers and a node agent."""


def _config(context: click.Context, parameter: click.Parameter, path: Path | None) -> Path | None:
    if path is not None:
        known = {option.name for option in context.command.params if option.name} - {parameter.name}
        context.default_map = settings.load_config(
            path, frozenset(str(name).replace("_", "-") for name in known)
        )
    return path


_SERVER_OPTIONS = (
    _option(
        "--data-dir",
        type=_PATH,
        metavar="D",
        help="Everything durable.  [default: /var/lib/strongroom for root, else the XDG data directory]",
    ),
    _option(
        "--listen",
        default=settings.DEFAULT_LISTEN,
        show_default=True,
        metavar="HOST:PORT",
        help="Where the API listens.",
    ),
    _option(
        "--kubeconfig",
        type=_PATH,
        metavar="F",
        help="The kubeconfig to write, or to merge into.  [default: $KUBECONFIG, else ~/.kube/config]",
    ),
    _option(
        "--store",
        default="sqlite",
        show_default=True,
        metavar="STORE",
        help="Where objects are kept: sqlite, in the data directory; or, for several servers, an etcd as "
        "etcd://HOST:PORT,... or etcds://HOST:PORT,...?ca=F&cert=F&key=F&user=U&password-file=F.",
    ),
    *authentication.FLAGS,
    *cluster_options.FLAGS,
    _option(
        "--audit-log-path",
        type=_PATH,
        metavar="F",
        help="Put every use of a Secret, and every refusal, on record in this file.  [default: none]",
    ),
    _option(
        "--audit-policy-file",
        type=_PATH,
        metavar="F",
        help="A Kubernetes audit policy. Of Secrets, ConfigMaps and tokens metadata at most is recorded, "
        "whatever it says.  [default: a built-in one]",
    ),
    _option(
        "--audit-log-maxsize",
        type=click.IntRange(min=1),
        default=audit_log.MAX_SIZE,
        show_default=True,
        metavar="MIB",
        help="A file that is larger is put aside.",
    ),
    _option(
        "--audit-log-maxbackup",
        type=click.IntRange(min=1),
        default=audit_log.MAX_BACKUPS,
        show_default=True,
        metavar="N",
        help="Files put aside that are kept.",
    ),
    _option(
        "--audit-log-maxage",
        type=click.IntRange(min=1),
        default=audit_log.MAX_AGE,
        show_default=True,
        metavar="DAYS",
        help="Files put aside that are older are removed.",
    ),
    _option(
        "--audit-fail-open",
        is_flag=True,
        help="Let Secrets be read though the audit log can't be written.  [default: refuse with 500]",
    ),
    _option(
        "--passphrase-file",
        type=_PATH,
        metavar="F",
        help="Holds the passphrase that seals the keyring.  [default: the keyring is a plain private file]",
    ),
    _option(
        "--encryption-config",
        type=_PATH,
        metavar="F",
        help="A Kubernetes EncryptionConfiguration, reloaded when it changes.  [default: the keyring]",
    ),
    _option(
        "--max-requests-inflight",
        type=click.IntRange(min=0),
        default=settings.MAX_REQUESTS_INFLIGHT,
        show_default=True,
        metavar="N",
        help="Reads at once, watches and sessions not counted; more are refused with 429.  0: no limit.",
    ),
    _option(
        "--max-mutating-requests-inflight",
        type=click.IntRange(min=0),
        default=settings.MAX_MUTATING_REQUESTS_INFLIGHT,
        show_default=True,
        metavar="N",
        help="Writes at once; more are refused with 429.  0: no limit.",
    ),
    _option(
        "--config",
        type=_PATH,
        metavar="F",
        is_eager=True,
        callback=_config,
        expose_value=False,
        help="YAML file of these flags, names without the dashes; flags and variables override it.",
    ),
)
_NODE_OPTIONS = (
    node_flags.NAME,
    node_flags.IP,
    _option("--no-node", is_flag=True, help="Run no Pods on this machine."),
    *node_flags.RUNTIME,
)


def _options(*groups: tuple[Callable[[Any], Any], ...]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The options of `groups` on one command, in that order."""
    chosen = [option for group in groups for option in group]
    return lambda function: functools.reduce(lambda inner, option: option(inner), reversed(chosen), function)


@app.command(epilog=_EXAMPLES)
@_options(_SERVER_OPTIONS, _NODE_OPTIONS)
def up(no_node: bool, **flags: Any) -> int:
    """Run all of it in one process: API, encrypted store, controllers, scheduler and this machine's node.

    Prints one line when it is ready. SIGTERM or Ctrl-C stops it; containers run on and are found again at the
    next start. Each flag can be given as STRONGROOM_<FLAG> in the environment (STRONGROOM_DATA_DIR) or in the
    file of --config; a flag goes before a variable, a variable before the file.

    Exit codes: 0 stopped when asked, 1 could not start or go on, 2 a flag or the configuration is wrong.
    """
    return _start(with_node=not no_node, **flags)


@app.command(epilog=_SERVER_EXAMPLES)
@_options(_SERVER_OPTIONS)
def server(**flags: Any) -> int:
    """Run the API, the store and the controllers, without a node. The same as `up --no-node`.

    Machines become its nodes by `strongroom node`.

    Exit codes: 0 stopped when asked, 1 could not start or go on, 2 a flag or the configuration is wrong.
    """
    return _start(with_node=False, **flags)


app.add_command(access.access)
app.add_command(audit.audit)
app.add_command(backup.backup)
app.add_command(delivery.delivery)
app.add_command(transfer.export)
app.add_command(transfer.import_)
app.add_command(keys.keys)
app.add_command(migrate.migrate)
app.add_command(backup.restore)
app.add_command(node_command.node)
app.add_command(tokens.token)


def _start(**flags: Any) -> int:
    chosen = settings.resolve(**flags)
    # Imported here: --help, --version and shell completion stay quick.
    from strongroom.cmd import hardening

    hardening.leave_forks_alone()
    from strongroom.cmd import standalone

    return int(standalone.main(chosen))


def run() -> None:
    """Entry point: the exit code of `main`."""
    sys.exit(main(sys.argv[1:]))


def main(arguments: list[str]) -> int:
    """Run the command line. An error is one line on stderr: 2 for what the user wrote, else 1."""
    try:
        code = app.main(args=arguments, prog_name="strongroom", standalone_mode=False)
    except settings.SettingsError as error:
        return _fail(str(error), 2)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else "", err=True)
        return 2
    except click.ClickException as error:
        return _fail(error.format_message(), 2)
    except click.Abort:
        return 130
    except OSError as error:
        return _fail_of_system(error)
    except UnicodeEncodeError:
        return _fail(outcome.of_text(arguments), 2)
    return code if isinstance(code, int) else 0


def _fail_of_system(error: OSError) -> int:
    try:
        return _fail(outcome.of_system(error), 1)
    except outcome.Quiet:
        return 1


def _fail(text: str, code: int) -> int:
    click.echo("strongroom: error: " + " ".join(text.split()), err=True)
    return code
