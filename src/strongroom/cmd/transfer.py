"""`strongroom export` and `strongroom import`: objects as plain Kubernetes YAML, from and to any cluster."""

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import click

from strongroom.cmd import options, settings

_PATH: Any = click.Path(path_type=Path)

_EXPORT_EXAMPLES = """\b
Examples:
  strongroom export > what-there-is.yaml
      without values: names, keys, labels
  strongroom export --values -f all.yaml && kubectl --context other apply -f all.yaml
      to any cluster
  strongroom export --values -n prod secrets | age -r ... > prod.age
      one namespace's Secrets, encrypted on the way

Exit codes: 0 exported, 1 not, 2 wrong usage.
"""

_IMPORT_EXAMPLES = """\b
Examples:
  strongroom import all.yaml
  kubectl --context other get secrets -A -o yaml | strongroom import -
      from any cluster

Exit codes: 0 all imported, 1 some not, and why, 2 wrong usage.
"""


def _kubeconfig_option(function: Any) -> Any:
    function = click.option("--context", metavar="NAME", default="", help="A context of it.")(function)
    return click.option(
        "--kubeconfig",
        type=_PATH,
        metavar="F",
        envvar="STRONGROOM_KUBECONFIG",
        help="The cluster's kubeconfig.  [default: $KUBECONFIG, else ~/.kube/config]",
    )(function)


@click.command(epilog=_EXPORT_EXAMPLES)
@click.argument("resources", nargs=-1)
@_kubeconfig_option
@click.option("-n", "--namespace", metavar="NS", default="", help="Of this namespace alone.")
@click.option("-f", "--file", type=_PATH, metavar="F", help="A new file, 0600.  [default: standard output]")
@click.option("--values", is_flag=True, help="With the values of Secrets, readable for whoever has the file.")
def export(
    resources: tuple[str, ...],
    kubeconfig: Path | None,
    context: str,
    namespace: str,
    file: Path | None,
    values: bool,
) -> int:
    """Write objects as manifests that any cluster takes.

    RESOURCES: such as secrets, configmaps, roles.  [default: namespaces secrets configmaps serviceaccounts]

    What belongs to one cluster is left out: uids, versions, owners, managed fields, last-applied annotations,
    the tokens of service accounts, and what each cluster makes for itself. Without --values Secrets are there
    with empty values and the annotation strongroom.io/values: withheld, and are not imported again.
    """
    from strongroom.cmd import manifests

    try:
        chosen = [manifests.resource(name) for name in resources or manifests.DEFAULT]
    except KeyError as error:
        raise click.UsageError(f"no resource is called {error.args[0]!r}") from None
    if values and file is None and sys.stdout.isatty():
        raise click.UsageError("--values would show the values on this terminal: name a file, or a pipe")
    try:
        if file is None:
            return asyncio.run(
                _export(_access(kubeconfig, context), chosen, namespace, values, sys.stdout.buffer)
            )
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        code = 1
        try:
            with os.fdopen(descriptor, "wb") as output:
                code = asyncio.run(_export(_access(kubeconfig, context), chosen, namespace, values, output))
        finally:
            # Half an export looks like a whole one.
            if code:
                file.unlink()
        return code
    except FileExistsError:
        raise click.UsageError(f"{file} is there already: name another file") from None
    except BrokenPipeError:
        raise
    except OSError as error:
        where = error.filename or file or "standard output"
        return options.fail(RuntimeError(f"{where}: {error.strerror}"))


def _access(kubeconfig: Path | None, context: str) -> Any:
    from strongroom.client import kubeconfig as reading

    try:
        return reading.load(kubeconfig or settings.default_kubeconfig(os.environ), context)
    except reading.KubeconfigError as error:
        raise click.UsageError(str(error)) from None


async def _export(access: Any, chosen: Sequence[Any], namespace: str, values: bool, output: IO[bytes]) -> int:
    from strongroom.client.rest import Client
    from strongroom.client.transport import ConnectionFailed
    from strongroom.cmd import manifests
    from strongroom.machinery.codec import yaml
    from strongroom.machinery.status import StatusError

    transport = access.transport()
    client = Client(transport, "strongroom-export")
    try:
        if namespace:
            await _check_namespace(client, namespace)
        for resource in chosen:
            if namespace and not resource.namespaced:
                continue
            found = await client.list(resource, namespace or None, limit=500)
            for obj in found.items:
                if manifests.is_moved(resource, obj):
                    output.write(b"---\n" + yaml.encode(manifests.exported(resource, obj, values=values)))
        output.flush()
        return 0
    except (StatusError, ConnectionFailed) as error:
        return options.fail(error)
    finally:
        await transport.aclose()


@click.command("import", epilog=_IMPORT_EXAMPLES)
@click.argument("file", type=click.File("rb"))
@_kubeconfig_option
@click.option("-n", "--namespace", metavar="NS", default="default", help="Of objects that name none.")
@click.option("--overwrite", is_flag=True, help="Replace what is there; else it is an error, and left alone.")
def import_(file: IO[bytes], kubeconfig: Path | None, context: str, namespace: str, overwrite: bool) -> int:
    """Create the objects of the manifests in FILE (-: standard input), lists among them.

    Namespaces come first, and are made where they are missing. What `strongroom export` leaves out is left
    out here, too; a Secret whose values were withheld is not imported.
    """
    import yaml as parsing

    from strongroom.cmd import manifests

    loader = getattr(parsing, "CSafeLoader", parsing.SafeLoader)
    try:
        found = list(manifests.objects(list(parsing.load_all(file.read(), loader))))
    except parsing.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        return options.fail(RuntimeError(f"{file.name}: not YAML{where}"))
    except (ValueError, UnicodeDecodeError) as error:
        text = str(error) if type(error) is ValueError else "not YAML"
        return options.fail(RuntimeError(f"{file.name}: {text}"))
    return asyncio.run(_import(_access(kubeconfig, context), found, namespace, overwrite))


async def _import(access: Any, found: Sequence[Any], default: str, overwrite: bool) -> int:
    from strongroom.client.rest import Client
    from strongroom.client.transport import ConnectionFailed
    from strongroom.cmd import manifests
    from strongroom.machinery.status import StatusError

    transport = access.transport()
    client = Client(transport, "strongroom-import")
    created = replaced = failed = 0
    known: set[str] = set()
    try:
        for obj in sorted(found, key=lambda each: each["kind"] != "Namespace"):
            name = f"{obj['kind']} {obj['metadata'].get('namespace', '')}/{obj['metadata']['name']}"
            resource = manifests.resource_of(obj)
            try:
                if resource is None:
                    raise ValueError("its kind is not served")
                if (obj["metadata"].get("annotations") or {}).get(manifests.WITHHELD):
                    raise ValueError("its values were withheld: export with --values")
                if not manifests.is_moved(resource, obj):
                    continue
                made = manifests.exported(resource, obj, values=True)
                space = made["metadata"].setdefault("namespace", default) if resource.namespaced else None
                if space is not None and space not in known:
                    await _ensure_namespace(client, space)
                    known.add(space)
                try:
                    await client.create(resource, made, space)
                    created += 1
                except StatusError as error:
                    if error.reason != "AlreadyExists" or not overwrite:
                        raise
                    await client.update(resource, made, space)
                    replaced += 1
            except (StatusError, ValueError) as error:
                failed += 1
                click.echo(f"strongroom: error: {name}: {' '.join(str(error).split())}", err=True)
    except ConnectionFailed as error:
        return options.fail(error)
    finally:
        await transport.aclose()
    click.echo(f"{created} created, {replaced} replaced, {failed} not imported")
    return 1 if failed else 0


async def _check_namespace(client: Any, name: str) -> None:
    """A mistyped name must not pass for a namespace with nothing in it. Raises StatusError 404."""
    from strongroom.api import resources
    from strongroom.machinery.status import StatusError

    try:
        await client.get(resources.NAMESPACES, name)
    except StatusError as error:
        if error.reason != "Forbidden":  # as it is to those who see no more than that namespace
            raise


async def _ensure_namespace(client: Any, name: str) -> None:
    from strongroom.api import resources
    from strongroom.machinery.status import StatusError

    try:
        await client.create(resources.NAMESPACES, {"metadata": {"name": name}, **_NAMESPACE})
    except StatusError as error:
        if error.reason not in ("AlreadyExists", "Forbidden"):
            raise


_NAMESPACE = {"kind": "Namespace", "apiVersion": "v1"}
