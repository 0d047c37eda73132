"""PATCH of an object: a JSON patch, a JSON merge patch, a strategic merge patch; or server-side apply."""

from collections.abc import Callable, Mapping
from typing import Any

from strongroom.api import decoding, schema
from strongroom.machinery import status
from strongroom.machinery.codec import json
from strongroom.machinery.codec.errors import DecodeError
from strongroom.machinery.gvk import Object
from strongroom.machinery.patch import json_patch, merge_patch, strategic_merge
from strongroom.registry.generic import Registry, Rules
from strongroom.server.admission.plugin import UPDATE, Chain
from strongroom.server.handlers import apply, forms, options, patch_errors, writing
from strongroom.server.request import Request

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_MERGE = "application/strategic-merge-patch+json"
ACCEPTED = (JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE, apply.MEDIA)

_TOO_DEEP = "exceeded max depth"

Change = Callable[[Object], Any]


async def patch(
    request: Request,
    registry: Registry,
    chain: Chain,
    rules: Rules,
    applies: apply.ApplyHandler,
) -> None:
    info = request.info
    media = request.header(b"content-type").partition(";")[0].strip().lower()
    if media not in ACCEPTED:
        raise status.unsupported_patch_type()
    if media == apply.MEDIA:
        await applies.apply(request, registry, chain, rules)
        return
    wanted = options.write(request, "PatchOptions")
    forms.one(request)
    body = await request.body()
    document = _document(body, "" if media == STRATEGIC_MERGE else "error decoding patch: ")
    change = _CHANGES[media](document, registry)
    strategic = media == STRATEGIC_MERGE
    shown = ""
    warnings: list[str] = []

    def revise(current: Object) -> Object:
        nonlocal shown
        patched = change(current)
        if strategic:
            # Upstream merges into a value of the kind's own type, which has no other kind to become.
            patched |= {"kind": registry.resource.kind, "apiVersion": registry.resource.api_version}
        else:
            shown = patch_errors.whole(patched)
        obj, problems = decoding.decode_object(patched, registry.resource)
        if strategic:
            problems.sort()
        warnings[:] = []
        if problems and wanted.field_validation == decoding.STRICT:
            what = _shown(body) if strategic else shown
            raise patch_errors.invalid(registry.resource, what, decoding.strict_error(problems))
        if problems and wanted.field_validation != decoding.IGNORE:
            warnings[:] = problems
        writing.check_name(obj, info.name, "")  # a namespace is the registry's to judge
        return obj

    admit = writing.admission(request, registry, chain, UPDATE, dry_run=wanted.dry_run)
    try:
        written = await registry.update(
            info.namespace,
            info.name,
            revise,
            rules=rules,
            writer=options.writer(request, wanted),
            admit=admit,
            dry_run=wanted.dry_run,
            patched=True,
        )
    except status.StatusError as error:
        why = patch_errors.of_decoding(error)
        if why is None:
            raise
        if strategic:
            shown, why = _shown(body), patch_errors.converted(why)
        raise patch_errors.invalid(registry.resource, shown, why) from None
    except RecursionError:
        raise status.bad_request(_TOO_DEEP) from None
    finally:
        request.warnings += warnings
    await writing.answer(request, registry, 200, written)


def _shown(body: bytes) -> str:
    """A strategic patch as it came: what it was decoded to may have become part of an object."""
    try:
        return patch_errors.go(json.decode(body))
    except RecursionError:
        raise status.bad_request(_TOO_DEEP) from None


def _document(body: bytes, where: str) -> Any:
    try:
        return json.decode(body)
    except DecodeError as error:
        raise status.bad_request(f"{where}{error}") from None


def _json_patch(document: Any, registry: Registry) -> Change:
    return lambda current: json_patch.apply(current, document)


def _merge_patch(document: Any, registry: Registry) -> Change:
    return lambda current: merge_patch.apply(current, document)


def _strategic_merge(document: Any, registry: Registry) -> Change:
    merge_schema = schema.merge_schema(registry.resource)
    return lambda current: strategic_merge.apply(current, document, merge_schema)


_CHANGES: Mapping[str, Callable[[Any, Registry], Change]] = {
    JSON_PATCH: _json_patch,
    MERGE_PATCH: _merge_patch,
    STRATEGIC_MERGE: _strategic_merge,
}
