"""`strongroom migrate`: everything from one store into another, values encrypted as they lie."""

from pathlib import Path

import click

from strongroom.cmd import options, settings

_EXAMPLES = """\b
Examples:
  strongroom migrate --from sqlite --to etcd://10.0.0.1:2379,10.0.0.2:2379
      past one machine; then: strongroom server --store etcd://...
  strongroom migrate --from etcd://10.0.0.1:2379 --to sqlite --data-dir ./lab
      and back, or into a lab of its own, which needs the keyring in ./lab/keys

Exit codes: 0 moved and verified, 1 not moved, and why, 2 wrong usage.
"""


@click.command(epilog=_EXAMPLES)
@click.option("--from", "source", required=True, metavar="STORE", help="sqlite, or etcd://HOST:PORT,...")
@click.option("--to", "target", required=True, metavar="STORE", help="sqlite, or etcd://HOST:PORT,...")
@options.data_dir_option
@options.encryption_options
@click.option(
    "--new-revisions",
    is_flag=True,
    help="Into an etcd: leave its revisions as they come, and restart every client by hand.",
)
@options.output_option
def migrate(
    source: str,
    target: str,
    data_dir: Path | None,
    passphrase_file: Path | None,
    encryption_config: Path | None,
    new_revisions: bool,
    output: str,
) -> int:
    """Copy all objects of a store into an empty one.

    No server may run on either. Encrypted values are copied as they lie, after each was opened with the
    keyring: that, and the credentials, stay in the data directory; out of an etcd the shared ones are taken
    over into it. All is read again and compared before it counts.

    No client sees a resourceVersion twice: into SQLite each object keeps its own; an etcd's revision is put
    forward beyond the last one, which takes some minutes per million, and objects get new ones. Clients that
    come with an older one are told to list anew (410 Expired).

    Into SQLite it is whole or not at all. Into an etcd, cut short by whatever, it goes on where it stood when
    it is called again, and no server starts on it before it is done. The source stays as it was.
    """
    settings.check_store(source, "--from")
    settings.check_store(target, "--to")
    if (source == settings.SQLITE) == (target == settings.SQLITE):
        raise click.UsageError("one of --from and --to is sqlite, the other one an etcd")
    # Imported here: --help stays quick.
    from strongroom.cmd import credentials, encryption, maintenance, pki, store_migration

    place = options.place(data_dir, existing=source == settings.SQLITE)
    line = options.ProgressLine()

    def show(what: str, done: int, total: int) -> None:
        line.show(f"{what}: {done} of {total}")

    chosen = encryption.Options(passphrase_file, encryption_config)
    try:
        with place.lock():
            moved = store_migration.move(place, chosen, source, target, show, keep=not new_revisions)
    except (*maintenance.FAILURES, credentials.CredentialError, pki.PKIError) as error:
        return options.fail(error)
    line.show(
        f"{moved.objects} objects moved and verified; {target.partition('?')[0]} goes on from revision "
        f"{moved.revision}. Next: strongroom up --store {target!r}",
        last=True,
    )
    if output == "json":
        options.json({"objects": moved.objects, "encrypted": moved.encrypted, "revision": moved.revision})
    return 0
