"""Server-side apply: PATCH with `application/apply-patch+yaml`, which creates what is not there."""

from typing import Any

from strongroom.api import decoding
from strongroom.machinery import status
from strongroom.machinery.codec import json, structs, yaml
from strongroom.machinery.codec.errors import DecodeError
from strongroom.machinery.gvk import Object
from strongroom.registry import applying
from strongroom.registry.generic import Registry, Rules
from strongroom.server.admission.plugin import UPDATE, Chain
from strongroom.server.authorization.authorizer import Authorizer
from strongroom.server.handlers import creating, forms, options, writing
from strongroom.server.handlers.options import WriteOptions
from strongroom.server.request import Request

MEDIA = "application/apply-patch+yaml"


class ApplyHandler:
    """For all resources. Whoever creates an object by applying needs the right to create it."""

    def __init__(self, authorizer: Authorizer) -> None:
        self.creator = creating.Creator(authorizer)

    async def apply(self, request: Request, registry: Registry, chain: Chain, rules: Rules) -> None:
        info = request.info
        wanted = options.write(request, "PatchOptions", apply=True)
        forms.one(request)
        document, warnings = _document(await request.body(), wanted)
        wish = applying.Application(document, options.writer(request, wanted), wanted.force)
        request.warnings += warnings

        def revise(current: Object | None) -> Object:
            obj = registry.applied(current, wish)
            writing.check_name(obj, info.name, info.namespace)
            return obj

        for _ in range(creating.TRIES):
            if info.subresource or registry.find(info.namespace, info.name) is not None:
                admit = writing.admission(request, registry, chain, UPDATE, dry_run=wanted.dry_run)
                try:
                    written = await registry.update(
                        info.namespace, info.name, revise, rules=rules, admit=admit, dry_run=wanted.dry_run
                    )
                except status.StatusError as error:
                    if error.code != 404 or info.subresource:
                        raise
                    continue
                await writing.answer(request, registry, 200, written)
                return
            new = revise(None)
            if uid := new["metadata"].get("uid"):
                text = (
                    f"uid mismatch: the provided object specified uid {uid}, and no existing object was found"
                )
                raise status.conflict(registry.resource, info.name, text)
            created = await self.creator.create(request, registry, chain, wanted, new)
            if created is not None:
                await writing.answer(request, registry, 201, created)
                return
        raise status.conflict(registry.resource, info.name)


def _document(body: bytes, wanted: WriteOptions) -> tuple[Object, list[str]]:
    """The applied document, YAML or JSON, and warnings of its repeated keys. Raises StatusError 400."""
    try:
        document, problems = _decode(body)
    except DecodeError as error:
        raise status.bad_request(f"error decoding YAML: error converting YAML to JSON: {error}") from None
    if document is None:
        document = {}
    if not isinstance(document, dict):
        kind = structs.json_type(document)
        raise status.bad_request(
            "error decoding YAML: error unmarshaling JSON: while decoding JSON: "
            f"json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}"
        )
    if not problems or wanted.field_validation == decoding.IGNORE:
        return document, []
    text = "error converting YAML to JSON: yaml: unmarshal errors:\n" + "\n".join(
        f"  {problem}" for problem in problems
    )
    if wanted.field_validation == decoding.STRICT:
        raise status.bad_request(f"error strict decoding YAML: {text}")
    return document, [text]


def _decode(body: bytes) -> tuple[Any, list[str]]:
    """The value, and what stands twice in it."""
    if body.lstrip()[:1] == b"{":
        # JSON is what clients send mostly; it is read much faster so, and not all of it is YAML for libyaml.
        try:
            document = json.decode(body)
        except DecodeError:
            return yaml.decode(body)
        try:
            return document, yaml.decode(body)[1] if json.duplicates(body) else []
        except RecursionError:
            raise DecodeError("json: exceeded max depth") from None
    return yaml.decode(body)
