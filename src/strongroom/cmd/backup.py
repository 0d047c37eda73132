"""`strongroom backup` and `strongroom restore`: the database as a file, encrypted as it lies."""

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

import click

from strongroom.cmd import options

_PATH: Any = click.Path(path_type=Path)

BUMP = 1_000_000_000
"""As etcd's own documentation of restores has it for Kubernetes: more than any store writes between a backup
and its restore."""

_BACKUP_EXAMPLES = """\b
Examples:
  strongroom backup /srv/backups/strongroom-$(date +%F).db
      while the server runs
  strongroom backup --data-dir ./lab before-the-change.db

Exit codes: 0 written and durable, 1 not written, 2 wrong usage.
"""

_RESTORE_EXAMPLES = """\b
Examples:
  mkdir -m 700 /var/lib/strongroom && cp -a /safe/keys /var/lib/strongroom/
  strongroom restore /srv/backups/strongroom-2026-05-01.db
      the keyring first, then the backup, then: strongroom up
  strongroom restore --data-dir ./try --keyring /safe/keys/keyring.json backup.db
      into a directory of its own, to look at what is in it

Exit codes: 0 restored, 1 not restored, nothing changed, 2 wrong usage.
"""


@click.command(epilog=_BACKUP_EXAMPLES)
@click.argument("file", type=_PATH)
@options.data_dir_option
@options.output_option
def backup(file: Path, data_dir: Path | None, output: str) -> int:
    """Write the database as of this moment to FILE, which must not exist yet.

    The server goes on meanwhile, and no write waits. Secrets stay encrypted in it as they are in the
    database; objects that are not encrypted there are plain here, too. FILE has mode 0600 and is whole or
    absent.

    The keyring is not in it: keep a copy of `keys/keyring.json` in another place. Who has both has the
    Secrets; without the keyring the backup opens to nobody.
    """
    # Imported here: --help stays quick.
    from strongroom.store.engines.sqlite import backup as copying
    from strongroom.store.engines.sqlite import failures, log
    from strongroom.store.errors import StoreError

    place = options.place(data_dir)
    line = options.ProgressLine()
    try:
        with contextlib.closing(
            sqlite3.connect(place.database, isolation_level=None, timeout=30)
        ) as connection:
            connection.execute("PRAGMA query_only = ON")
            copying.write(connection, file.absolute(), lambda done, total: line.show(_share(done, total)))
        with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as written:
            revision = log.bounds(written).current
    except sqlite3.Error as error:
        return options.fail(failures.translate(error, place.database))
    except StoreError as error:
        return options.fail(error)
    size = file.stat().st_size
    line.show(f"{file}: {size} bytes, revision {revision}", last=True)
    if output == "json":
        options.json({"file": str(file), "bytes": size, "revision": revision})
    return 0


def _share(done: int, total: int) -> str:
    return f"copied: {done} of {total} pages"


@click.command(epilog=_RESTORE_EXAMPLES)
@click.argument("file", type=_PATH)
@options.data_dir_option
@click.option("--keyring", type=_PATH, metavar="F", help="A keyring to put in place with it.")
@click.option(
    "--bump-revision",
    type=click.IntRange(min=0, max=2**62),
    default=BUMP,
    show_default=True,
    metavar="N",
    help="How far beyond the backup's revision the store goes on.",
)
@options.encryption_options
@options.output_option
def restore(
    file: Path,
    data_dir: Path | None,
    keyring: Path | None,
    bump_revision: int,
    passphrase_file: Path | None,
    encryption_config: Path | None,
    output: str,
) -> int:
    """Make the backup FILE the database of a data directory that has none.

    First the backup is verified: every page of it, and that each encrypted value in it opens with the
    keyring that lies in the data directory already or is named with --keyring. Then it is written, whole or
    not at all. A data directory whose store is not empty is left alone.

    No resourceVersion that a client may have seen since the backup is handed out again: the store goes on a
    billion further, and clients that come with an older one are told to list anew (410 Expired).
    """
    from strongroom.cmd import encryption, key_verification, maintenance
    from strongroom.encryption import inspection
    from strongroom.encryption.keyring import KeyringError
    from strongroom.encryption.keyring_file import KeyringFile
    from strongroom.store.engines.sqlite import log
    from strongroom.store.engines.sqlite import restore as restoring

    place = options.place(data_dir, existing=False)
    store = place.database.parent
    if store.exists() and any(store.iterdir()):
        return options.fail(RuntimeError(f"{store} is not empty: move it away, or name another --data-dir"))
    line = options.ProgressLine()
    try:
        held = encryption.keyring_file(place, passphrase_file)
        if keyring is not None:
            if place.keyring.exists():
                raise KeyringError(f"{place.keyring} is there already: leave --keyring away, or move it away")
            held = KeyringFile(keyring, held.passphrase)
        if encryption_config is not None:
            used = encryption.of_config(encryption_config, place, passphrase_file)
        else:
            used = encryption.of_keyring(held, create=False)
        with restoring.verified(file) as connection:
            found = key_verification.read(
                connection,
                used.encrypted,
                opened=True,
                report=lambda done, total: line.show(f"verified: {done} of {total} revisions"),
            )
            if found.unreadable:
                keys = ", ".join(sorted(inspection.parts_of(label)[1] for label in found.keys))
                raise KeyringError(
                    f"{file}: {found.unreadable} of {found.values} encrypted values do not open, such as "
                    f"{found.named[0]}: put the keyring in place that holds {keys}"
                )
            revision = log.bounds(connection).current
            with place.lock():
                if keyring is not None:
                    held.copy_to(place.keyring)
                goes_on = revision + bump_revision
                restoring.place(connection, place.database, goes_on if bump_revision else 0)
    except maintenance.FAILURES as error:
        return options.fail(error)
    line.show(
        f"{place.database}: restored as of revision {revision}, goes on from {goes_on}, {found.values} "
        "encrypted values open",
        last=True,
    )
    if output == "json":
        document = {"database": str(place.database), "revision": revision, "revisions": found.rows}
        options.json({**document, "goesOn": goes_on, "values": found.values})
    return 0
