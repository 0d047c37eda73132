"""`strongroom keys`: which keys encrypt the Secrets, a new one for all of them, and the proof that it
worked."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from strongroom.cmd import options, service_account_signer, settings

T = TypeVar("T")

_EXAMPLES = """\b
Examples:
  strongroom keys status
      which keys there are, and how many values each encrypts
  strongroom keys rotate && strongroom keys verify
      a new key for everything, and the proof that nothing else is left
  strongroom keys verify --scrub --remove-unused -o json
      wipe what was deleted, prove it, and drop the keys that nothing uses
  strongroom keys status --store etcd://10.0.0.1:2379
      of servers that share an etcd
"""


@click.group(epilog=_EXAMPLES)
def keys() -> None:
    """The keys that encrypt Secrets at rest, and those that sign ServiceAccount tokens.

    Secrets are encrypted under data keys, which are derived from a seed that a key-encryption key
    encrypts. Those keys lie in the keyring, `keys/keyring.json` below the data directory: the first one
    writes, all of them read. The commands work while the server runs, and without it.
    """


keys.add_command(service_account_signer.service_account)


async def _of(place: Any, store: str, ask: Callable[[Any], Awaitable[T]]) -> T:
    """What `ask` makes of the store's engine."""
    from strongroom.cmd import maintenance

    async with maintenance.opened(place, store) as engine:
        return await ask(engine)


@keys.command(
    epilog="Exit codes: 0 told, 1 a key that is needed is missing, or nothing could be told, 2 wrong usage."
)
@options.data_dir_option
@options.encryption_options
@options.store_option
@options.output_option
def status(
    data_dir: Path | None,
    passphrase_file: Path | None,
    encryption_config: Path | None,
    store: str,
    output: str,
) -> int:
    """Show the keys, and how many stored values each of them encrypts.

    Superseded revisions count until they are compacted, which takes five to ten minutes. Nothing is changed.
    """
    # Imported here: --help stays quick.
    from strongroom.cmd import encryption, key_survey, key_verification, maintenance, storage
    from strongroom.encryption import inspection

    place = options.place(data_dir, store=store)
    try:
        used = storage.open_encryption(place, encryption.Options(passphrase_file, encryption_config))
        if store == settings.SQLITE:
            values = key_verification.count(place.database, used)
        else:
            values = asyncio.run(
                _of(place, store, lambda engine: key_survey.survey(engine, used.encrypted, opened=False))
            )
    except maintenance.FAILURES as error:
        return options.fail(error)
    listed = {label: values.keys[label] for label in values.keys}
    held = used.keyring.key_ids if used.keyring is not None else []
    listed |= {label: listed.get(label, 0) for label in (used.label(key_id) for key_id in held)}
    known = {used.label(key_id) for key_id in held}
    rows = [
        {
            "key": inspection.parts_of(label)[1],
            "provider": inspection.parts_of(label)[0],
            "state": _state(label, used.current_key, known),
            "values": number,
        }
        for label, number in sorted(listed.items(), key=lambda item: (item[0] != used.current_key, item[0]))
    ]
    used.close()
    if output == "json":
        options.json({"keys": rows, "values": values.values})
    else:
        click.echo(f"{'KEY':<24}{'PROVIDER':<20}{'STATE':<12}VALUES")
        for row in rows:
            click.echo(f"{row['key']:<24}{row['provider'] or '-':<20}{row['state']:<12}{row['values']}")
    return 1 if any(row["state"] == "missing" for row in rows) else 0


def _state(label: str, current: str, known: set[str]) -> str:
    if label == current:
        return "current"
    if not current:
        return "in use"
    if label in known:
        return "old"
    return "plain" if label == "plain" else "missing"


@keys.command(
    epilog="Exit codes: 0 all is under the new key, 1 not all is, or it could not be done, 2 wrong usage."
)
@options.data_dir_option
@options.encryption_options
@options.store_option
@options.output_option
def rotate(
    data_dir: Path | None,
    passphrase_file: Path | None,
    encryption_config: Path | None,
    store: str,
    output: str,
) -> int:
    """Make a new key, and encrypt every Secret with it.

    The server goes on meanwhile: each Secret is written again as any writer would, on the condition that
    nobody else has written it, so it gets a new resourceVersion. Then superseded revisions are removed and
    the file is written anew, so that nothing under the old key is left in it; for about a second per 100 MB
    writes wait, and reads go on.

    Cut short, by whatever, it goes on where it stood when it is called again, without another new key. The
    old keys stay in the keyring: backups need them. `strongroom keys verify --remove-unused` drops them.

    With --encryption-config no key is made: put the new key first in that file, then have everything
    written with it by this command.
    """
    from strongroom.cmd import encryption, maintenance

    place = options.place(data_dir, existing=False)
    line = options.ProgressLine()
    began = time.monotonic()

    def show(progress: Mapping[str, Any]) -> None:
        if progress.get("key"):
            line.show(f"new key {progress['key']}", last=True)
        if progress["phase"] == "removing":
            line.show("removing what older keys encrypted")
        else:
            rate = progress["done"] / max(time.monotonic() - began, 0.001)
            line.show(f"encrypting: {progress['done']} of {progress['total']} ({rate:.0f}/s)")

    try:
        chosen = encryption.Options(passphrase_file, encryption_config)
        result = maintenance.perform(place, chosen, {"command": "rotate"}, show, store)
    except maintenance.FAILURES as error:
        return options.fail(error)
    key = f" under key {result['key']}" if result["key"] else ""
    finished = "" if result["newKey"] or not result["key"] else " (the last rotation was finished)"
    line.show(
        f"{result['rewritten']} of {result['checked']} objects encrypted again{key} in {result['seconds']} s"
        + finished,
        last=True,
    )
    if output == "json":
        options.json(result)
    for name in result["unreadableKeys"]:
        click.echo(f"strongroom: warning: {name} does not open and was left as it is", err=True)
    if result["unreadable"] or result["underOlderKeys"]:
        return options.fail(
            RuntimeError(
                f"{result['unreadable']} objects do not open, {result['underOlderKeys']} values are under "
                "other keys: replace or delete what does not open, then rotate again"
            )
        )
    return 0


@keys.command(epilog="Exit codes: 0 proven, 1 not proven, and why, or it could not be done, 2 wrong usage.")
@options.data_dir_option
@options.encryption_options
@options.store_option
@click.option(
    "--scrub", is_flag=True, help="First remove superseded revisions and every trace of deleted content."
)
@click.option("--remove-unused", is_flag=True, help="When it is proven, drop the keys that nothing uses.")
@options.output_option
def verify(
    data_dir: Path | None,
    passphrase_file: Path | None,
    encryption_config: Path | None,
    store: str,
    scrub: bool,
    remove_unused: bool,
    output: str,
) -> int:
    """Prove that every stored value is under the current key, and that nothing else is left of any.

    Opens every stored revision of every Secret; looks at every page of the database, also those that
    nothing uses, and at its write-ahead log and the files beside it, for bytes of plain Secrets and of
    older keys' values. Between two rewritings of the file, pages may keep bytes of deleted rows that no key
    can be told of: that is not proven, and --scrub removes them first.

    Of an etcd every value is opened that it answers with. Its files are its own: --scrub has its members
    compact and defragment theirs, one after the other, each of which answers nobody meanwhile; what their
    write-ahead logs keep of old values (ciphertext) goes with their next snapshots.

    --remove-unused makes backups that older keys encrypted unreadable. It needs room for a copy of the
    database.
    """
    # Imported here: --help stays quick.
    from strongroom.cmd import encryption, key_verification, maintenance, storage

    place = options.place(data_dir, store=store)
    chosen = encryption.Options(passphrase_file, encryption_config)
    line = options.ProgressLine()
    removed: list[str] = []
    try:
        used = storage.open_encryption(place, chosen)
        if scrub:
            line.show("removing what was deleted")
            maintenance.perform(place, chosen, {"command": "settle"}, lambda _: None, store)

        def show(done: int, total: int) -> None:
            line.show(f"reading: {done} of {total} revisions")

        if store == settings.SQLITE:
            proof = key_verification.verify(place, used, show)
        else:
            proof = asyncio.run(
                _of(place, store, lambda engine: key_verification.verify_shared(engine, used, show))
            )
        old = used.keyring.key_ids[1:] if used.keyring is not None else []
        if remove_unused and proof.proven and old:
            asked = {"command": "forget", "ids": old}
            removed = maintenance.perform(place, chosen, asked, lambda _: None, store)["removed"]
        used.close()
    except maintenance.FAILURES as error:
        return options.fail(error)
    pages = f"; {proof.pages.pages} pages" if proof.pages else ""
    line.show(
        f"{proof.values.rows} revisions, {proof.values.values} to be encrypted{pages}",
        last=True,
    )
    if output == "json":
        options.json({**proof.document(), "unusedKeys": old, "removedKeys": removed})
    else:
        _explain(proof, [key for key in old if key not in removed], removed)
    return 0 if proof.proven else 1


def _explain(proof: Any, unused: list[str], removed: list[str]) -> None:
    for name in proof.values.named:
        click.echo(f"does not open: {name}")
    for label in proof.old_keys:
        click.echo(
            f"{proof.values.keys[label]} values are {'plain' if label == 'plain' else 'under ' + label}"
        )
    for trace in proof.traces:
        click.echo(f"found in {trace}")
    if proof.pages and proof.pages.dirty_bytes:
        click.echo(
            f"{proof.pages.dirty_bytes} bytes of deleted content in {proof.pages.dirty_pages} pages: "
            "`strongroom keys verify --scrub` removes them"
        )
    if proof.proven:
        key = proof.document()["currentKey"]
        click.echo("proven: every value is encrypted" + (f" under key {key} and no other" if key else ""))
    else:
        click.echo("not proven")
    if removed:
        click.echo(f"removed from the keyring: {', '.join(removed)}")
    elif unused and proof.proven:
        click.echo(f"unused keys: {', '.join(unused)} (--remove-unused drops them; older backups need them)")
