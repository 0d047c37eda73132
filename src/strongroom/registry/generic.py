"""Create, get, list, watch, update, patch and delete for any kind: its Strategy over the store.

Reads come from the watch cache. Writes are conditional on what was read, and are in the cache before their
caller is answered, so whoever reads next sees them.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from strongroom.aio.clock import Clock
from strongroom.api.strategy import Strategy
from strongroom.machinery import duration, meta, status, update_causes
from strongroom.machinery.gvk import Object
from strongroom.machinery.update_causes import Check
from strongroom.machinery.validation import FieldError, invalid_value
from strongroom.registry import applying, deletion, encoding, listing, watching
from strongroom.registry.encoding import Document
from strongroom.registry.managed_fields import ManagedFields, Writer
from strongroom.registry.options import DeleteOptions, ListOptions, WatchOptions
from strongroom.store.errors import Compacted, KeyExists, RevisionConflict, TooLarge
from strongroom.store.objects import ObjectStore
from strongroom.store.watch_cache import Entry, WatchCache

Admit = Callable[[Object, Object | None], Awaitable[None]]
"""Admission's check of `(new, old)`; may change `new`, or raise StatusError."""
Revise = Callable[[Object], Object]
"""Makes the wished object of a copy of the current one. Called again when the current one has changed."""

NAME_TRIES = 8
WRITE_TRIES = 100
"""Lost races on one key, each against a write that succeeded, before a writer is sent away."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What an update through one path (the resource, a subresource) may change, and what must hold after."""

    prepare: Callable[[Object, Object], None]
    validate: Callable[[Object, Object], list[FieldError]]
    counts: bool = True
    """A change is a new `metadata.generation`, in a kind that has one."""
    checks: Sequence[Check] = (Check.CHANGE, Check.OWN)
    """What is checked beside the generic part, in order."""


class Written(NamedTuple):
    """Answer of a write. `changed` is false when there was nothing to write."""

    document: Document
    warnings: Sequence[str] = ()
    changed: bool = True


class Deleted(NamedTuple):
    """Answer of a delete: the object's last state. `removed` is false when it only was marked."""

    document: Document
    removed: bool


class Registry:
    """One resource. All methods raise StatusError; `admit` runs after defaulting and before validation."""

    def __init__(self, strategy: Strategy, cache: WatchCache, objects: ObjectStore, clock: Clock) -> None:
        self.strategy = strategy
        self.resource = strategy.resource
        self._stored_as = strategy.view_of or strategy.resource
        self.rows = cache.resource(self.resource.storage_prefix)
        self.head = encoding.head(self.resource.api_version, self.resource.kind)
        self.main = Rules(
            strategy.prepare_for_update, strategy.validate_update, checks=strategy.update_checks
        )
        self.subresources: dict[str, Rules] = {}
        if strategy.has_status:
            self.subresources["status"] = Rules(
                strategy.prepare_for_status_update,
                strategy.validate_status_update,
                counts=False,
                checks=strategy.status_checks,
            )
        self.managed_fields = ManagedFields(strategy)
        self._reader = listing.Reader(strategy, cache, self.rows, objects)
        self._cache = cache
        self._shared = cache.shared
        self._objects = objects
        self._clock = clock

    def changes(self, since: int) -> Sequence[watching.Change] | None:
        """All changes of the resource after revision `since`, in order; None when not known any more."""
        try:
            return self.rows.changes(since)
        except Compacted:
            return None

    @property
    def revision(self) -> int:
        """The newest revision that reads see."""
        return self._cache.revision

    # ---- reads ----

    def find(self, namespace: str, name: str) -> Entry | None:
        """The newest state of an object."""
        return self.rows.get(self.resource.key(namespace, name))

    async def get(self, namespace: str, name: str, at_least: int = 0) -> Entry:
        """The newest state of an object, not older than revision `at_least`."""
        if self._shared:
            await self._cache.refresh()
        if at_least > self._cache.revision:
            await listing.wait_for(self._cache, at_least)
        entry = self.rows.get(self.resource.key(namespace, name))
        if entry is None:
            raise status.not_found(self.resource, name)
        return entry

    async def page(self, namespace: str, options: ListOptions) -> listing.Page:
        """A page of the objects of `namespace` ("": of all)."""
        if self._shared:
            await self._cache.refresh()
        return await self._reader.read(namespace, options)

    async def watch(self, namespace: str, options: WatchOptions) -> watching.Watch:
        """Open a watch on `namespace` ("": on all)."""
        if self._shared:
            await self._cache.refresh()
        return await watching.start(self._cache, self.rows, self.strategy, namespace, options)

    # ---- create ----

    async def create(
        self,
        namespace: str,
        obj: Object,
        *,
        writer: Writer | None = None,
        admit: Admit | None = None,
        dry_run: bool = False,
    ) -> Written:
        """Store a new object; `obj` is changed. A taken generated name is made anew.

        Without a `writer` its managedFields stay as they are."""
        if self._shared:  # its namespace may have been made elsewhere a moment ago
            await self._cache.refresh()
        metadata = obj["metadata"]
        if metadata.get("resourceVersion") and not dry_run:  # it is the store that upstream has refuse it
            text = "resourceVersion should not be set on objects to be created"
            raise status.StatusError(500, "", text)
        self._settle_namespace(obj, namespace)
        self.strategy.convert(obj)
        self.strategy.default(obj)
        generated = not metadata.get("name") and metadata.get("generateName")
        metadata.pop("resourceVersion", None)
        warnings = meta.prepare_for_create(metadata, self._clock.now(), encoding.new_uid())
        if self.strategy.has_generation:
            metadata["generation"] = 1
        else:
            metadata.pop("generation", None)
        if writer is not None:
            self.managed_fields.created(obj, writer)
        warnings += self.strategy.prepare_for_create(obj) or ()
        try:
            if admit is not None:
                await admit(obj, None)
            self._validate(obj)
            warnings += self.strategy.warnings(obj, None)
            for _ in range(NAME_TRIES):
                try:
                    document = await self._insert(namespace, obj, dry_run)
                except TooLarge:
                    if writer is None:
                        raise
                    metadata.pop(
                        "managedFields", None
                    )  # Rather without knowing its managers than not at all.
                    document = await self._insert(namespace, obj, dry_run)
                if document is not None:
                    return Written(document, warnings)
                if not generated:
                    break
                metadata["name"] = meta.generate_name(metadata["generateName"])
            raise self._taken(namespace, metadata["name"], bool(generated))
        except status.StatusError as error:
            error.warnings = warnings
            raise

    async def _insert(self, namespace: str, obj: Object, dry_run: bool) -> Document | None:
        """None: the name is taken."""
        key = self.resource.key(namespace, obj["metadata"]["name"])
        data = encoding.encode(obj)
        if dry_run:
            return Document(data, obj) if self.rows.get(key) is None else None
        try:
            revision = await self._objects.create(key, data)
        except KeyExists:
            return None
        return await self._document(obj, data, revision)

    def _taken(self, namespace: str, name: str, generated: bool) -> status.StatusError:
        if generated:
            error = status.already_exists(self.resource, name)
            text = f"{error.message}, the server was not able to generate a unique name for the object"
            return status.StatusError(409, error.reason, text, error.details, retry_after=1)
        entry = self.find(namespace, name)
        deleting = entry is not None and "deletionTimestamp" in entry.decode()["metadata"]
        return status.already_exists(self.resource, name, deleting=deleting)

    def _settle_namespace(self, obj: Object, namespace: str) -> None:
        metadata = obj["metadata"]
        if not self.resource.namespaced:
            metadata.pop("namespace", None)
        elif (given := metadata.get("namespace")) and given != namespace:
            raise status.bad_request(
                "the namespace of the provided object does not match the namespace sent on the request"
            )
        else:
            metadata["namespace"] = namespace

    def _validate(self, obj: Object) -> None:
        errors = meta.validate_object_meta(
            obj["metadata"],
            namespaced=self.resource.namespaced,
            name_rule=self.strategy.validate_name,
            any_finalizer=self.strategy.any_finalizer,
        )
        errors += self.strategy.validate(obj)
        if errors:
            raise status.invalid(self._stored_as, obj["metadata"].get("name", ""), errors)

    # ---- update ----

    async def update(
        self,
        namespace: str,
        name: str,
        revise: Revise,
        *,
        rules: Rules | None = None,
        writer: Writer | None = None,
        admit: Admit | None = None,
        dry_run: bool = False,
        patched: bool = False,
    ) -> Written:
        """Replace an object by what `revise` makes of it; again if another writer was first.

        A resourceVersion in the wished object is a condition; a uid is one too, but in an object that was
        `patched` it is a field that can't be changed. Nothing is written if nothing changes;
        an object that is being deleted and has no finalizer left is removed. Without a `writer` the
        managedFields are those that `revise` gives."""
        key = self.resource.key(namespace, name)
        if self._shared:
            await self._cache.refresh()
        for _ in range(WRITE_TRIES):
            entry = self.find(namespace, name)
            if entry is None:
                raise status.not_found(self.resource, name)
            old = entry.decode()
            new = revise(entry.decode())
            given = new["metadata"].get("managedFields")
            warnings = self._prepare(new, old, namespace, rules or self.main, patched=patched)
            if writer is not None:
                time = duration.timestamp(self._clock.now())
                self.managed_fields.updated(new, old, given, writer, time)
            try:
                if admit is not None:
                    await admit(new, old)
                self._validate_update(new, old, rules or self.main)
                if rules in (None, self.main):  # what the object warned of is not said again of its parts
                    warnings += self.strategy.warnings(new, old)
                if not entry.stale and self._is_same(new, old):
                    return Written(Document(entry.body(), old), warnings, changed=False)
                self._count_generation(new, old, rules)
                try:
                    document = await self._replace(key, new, entry, dry_run)
                except TooLarge:
                    if writer is None:
                        raise
                    new["metadata"].pop("managedFields", None)
                    document = await self._replace(key, new, entry, dry_run)
                if document is not None:
                    return Written(document, warnings)
            except status.StatusError as error:
                error.warnings = warnings
                raise
        raise status.conflict(self.resource, name)

    def applied(self, current: Object | None, wish: applying.Application) -> Object:
        """What server-side apply makes of the current object, or of none; for `update` and `create`."""
        now = duration.timestamp(self._clock.now())
        return applying.apply(self.strategy, self.managed_fields.kind, current, wish, now)

    def _is_same(self, new: Object, old: Object) -> bool:
        """Whether there is nothing to write: a new time of its managers alone is nothing."""
        if self.managed_fields.same_but_times(new, old):
            metadata = {**new["metadata"], "managedFields": old["metadata"]["managedFields"]}
            new = {**new, "metadata": metadata}
        return encoding.same(new, old)

    async def _replace(self, key: str, new: Object, entry: Entry, dry_run: bool) -> Document | None:
        """None: another writer was first, and the cache has its write."""
        data = encoding.encode(new)
        if dry_run:
            return Document(encoding.with_revision(data, len(self.head), entry.revision), new)
        try:
            if self._finished(new):
                revision = await self._objects.delete(key, entry.revision)
            else:
                revision = await self._objects.update(key, data, entry.revision)
        except RevisionConflict:
            await self.catch_up()
            return None
        return await self._document(new, data, revision)

    def _prepare(self, new: Object, old: Object, namespace: str, rules: Rules, *, patched: bool) -> list[str]:
        """Checks the conditions in `new` and puts back what no update may change. Gives warnings."""
        metadata, name = new["metadata"], old["metadata"]["name"]
        self._settle_namespace(new, namespace)
        uid = metadata.get("uid")
        if uid and uid != old["metadata"]["uid"] and not patched:
            raise self.another(namespace, name, uid, old["metadata"]["uid"])
        given = metadata.get("resourceVersion") or ""
        if given in ("", "0"):
            if not self.strategy.unconditional_update:
                raise self._unversioned(name)
        elif given != old["metadata"]["resourceVersion"]:
            raise status.conflict(self.resource, name)
        metadata["resourceVersion"] = old["metadata"]["resourceVersion"]
        self.strategy.convert(new)
        self.strategy.default(new)
        warnings = meta.prepare_for_update(metadata, old["metadata"], patched=patched)
        rules.prepare(new, old)
        return warnings

    def another(self, namespace: str, name: str, wanted: str, found: str) -> status.StatusError:
        """409: the uid in the wished object is not that of the stored one ("": there is none)."""
        cause = (
            f"StorageError: invalid object, Code: 4, Key: {self.resource.key(namespace, name)}, "
            "ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: "
            f"{wanted}, UID in object meta: {found}"
        )
        return status.conflict(self.resource, name, cause)

    def _unversioned(self, name: str) -> status.StatusError:
        resource = self.resource
        error = invalid_value("metadata.resourceVersion", 0, "must be specified for an update")
        return status.invalid_kind(resource.group_resource, resource.group, resource.plural, name, [error])

    def _validate_update(self, new: Object, old: Object, rules: Rules) -> None:
        metadata, before = new["metadata"], old["metadata"]
        any_finalizer = self.strategy.any_finalizer
        errors = meta.validate_object_meta_update(metadata, before, any_finalizer=any_finalizer)
        errors += (own := rules.validate(new, old))
        if errors or metadata.get("generateName") != before.get("generateName"):
            errors = update_causes.of(
                metadata,
                before,
                own,
                rules.checks,
                namespaced=self.resource.namespaced,
                name_rule=self.strategy.validate_name,
                any_finalizer=any_finalizer,
            )
        if errors:
            raise status.invalid(self._stored_as, before["name"], errors)

    def _count_generation(self, new: Object, old: Object, rules: Rules | None) -> None:
        if not self.strategy.has_generation or (rules is not None and not rules.counts):
            return
        if self.strategy.is_new_generation(new, old):
            new["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1

    def _finished(self, new: Object) -> bool:
        return deletion.finished(new)

    # ---- delete ----

    async def delete(self, namespace: str, name: str, options: DeleteOptions) -> Deleted:
        """Remove an object, or mark it when finalizers or a grace period keep it."""
        key = self.resource.key(namespace, name)
        if self._shared:
            await self._cache.refresh()
        for _ in range(WRITE_TRIES):
            entry = self.rows.get(key)
            if entry is None:
                raise status.not_found(self.resource, name)
            obj = entry.decode()
            deletion.check_preconditions(self.resource, obj, options)
            outcome = self._decide(obj, options)
            if outcome is deletion.Outcome.NOTHING:
                return Deleted(Document(entry.body(), entry.decode()), False)
            if options.dry_run:
                data = encoding.with_revision(encoding.encode(obj), len(self.head), entry.revision)
                return Deleted(Document(data, obj), outcome is deletion.Outcome.REMOVE)
            try:
                data = encoding.encode(obj)
                if outcome is deletion.Outcome.REMOVE:
                    revision = await self._objects.delete(key, entry.revision)
                    return Deleted(await self._document(obj, data, revision), True)
                revision = await self._objects.update(key, data, entry.revision)
                return Deleted(await self._document(obj, data, revision), False)
            except RevisionConflict:
                await self.catch_up()
        raise status.conflict(self.resource, name)

    def _decide(self, obj: Object, options: DeleteOptions) -> deletion.Outcome:
        return deletion.decide(self.strategy, obj, options, self._clock.now())

    # ---- after a write ----

    async def _seen(self, revision: int) -> None:
        """Return when reads see the write that had this revision."""
        if self._cache.revision < revision:
            await self._cache.wait_for(revision, listing.FRESH_TIMEOUT)

    async def _document(self, obj: Object, data: bytes, revision: int) -> Document:
        await self._seen(revision)
        obj["metadata"]["resourceVersion"] = str(revision)
        return Document(encoding.with_revision(data, len(self.head), revision), obj)

    async def catch_up(self) -> None:
        """Return when reads see all writes that have been made until now."""
        await self._cache.wait_for(await self._objects.current_revision(), listing.FRESH_TIMEOUT)
