"""POST of a TokenRequest to a ServiceAccount: a new bound token."""

import functools
from typing import Final

from strongroom.aio.clock import Clock
from strongroom.api import decoding, resources, reviews
from strongroom.machinery import status, validation
from strongroom.machinery.gvk import Object
from strongroom.registry.catalog import Catalog
from strongroom.registry.managed_fields import ManagedFields
from strongroom.server import responses
from strongroom.server.admission.plugin import CREATE, Attributes, Chain
from strongroom.server.endpoint import Endpoint
from strongroom.server.handlers import forms, options
from strongroom.server.request import Request
from strongroom.server.service_accounts import issue
from strongroom.server.service_accounts.settings import TokenSettings

_MANAGED_FIELDS: Final = ManagedFields(reviews.described(reviews.TOKEN_REQUESTS))
_ISSUED: Final = "authentication.kubernetes.io/issued-credential-id"


def endpoint(settings: TokenSettings, catalog: Catalog, chain: Chain, clock: Clock) -> Endpoint:
    """`serviceaccounts/‹name›/token`."""
    handler = functools.partial(
        create, settings=settings, issuer=issue.Issuer(settings, catalog, clock), catalog=catalog, chain=chain
    )
    return Endpoint(resources.SERVICE_ACCOUNTS, "token", {"create": handler})


async def create(
    request: Request, *, settings: TokenSettings, issuer: issue.Issuer, catalog: Catalog, chain: Chain
) -> None:
    info = request.info
    wanted = options.write(request, "CreateOptions")
    form = forms.one(request)
    content_type = request.header(b"content-type")
    decoded = decoding.decode(
        await request.body(), content_type, reviews.TOKEN_REQUESTS, wanted.field_validation
    )
    request.warnings += decoded.warnings
    body = decoded.obj
    account = (await catalog[resources.SERVICE_ACCOUNTS].get(info.namespace, info.name)).decode()
    _check_metadata(body, account)
    asked = {**body, "spec": dict(body.get("spec") or {})}
    issue.default(body, settings)
    spec = body["spec"]
    asked["spec"]["expirationSeconds"] = spec["expirationSeconds"]
    if errors := issue.validate(spec):
        raise issue.invalid(errors)
    if chain.handles(CREATE, resources.SERVICE_ACCOUNTS, "token"):
        await chain.admit(
            Attributes(
                CREATE,
                resources.SERVICE_ACCOUNTS,
                "token",
                info.namespace,
                info.name,
                request.user,
                body,
                None,
                wanted.dry_run,
            )
        )
    if settings.max_seconds and spec["expirationSeconds"] > settings.max_seconds:
        request.warnings.append(
            f"requested expiration of {spec['expirationSeconds']} seconds shortened to "
            f"{settings.max_seconds} seconds"
        )
        spec["expirationSeconds"] = settings.max_seconds
    issued = issuer.claims(account, spec)
    request.annotations = {**request.annotations, _ISSUED: f"JTI={issued.claims['jti']}"}
    # Whoever tries it out gets the answer's shape, not a credential.
    token = "" if wanted.dry_run else settings.keys.sign(issued.claims)
    body["status"] = {"token": token, "expirationTimestamp": issue.rfc3339(issued.expires)}
    time = issue.rfc3339(issued.claims["iat"])
    # Noted of the request as it came with the one default that decoding gives it.
    _MANAGED_FIELDS.asked(asked, options.writer(request, wanted), time)
    body["metadata"] = _shown(asked["metadata"], account, time)
    await responses.decoded(request, 201, body, form)


def _shown(metadata: Object, account: Object, time: str) -> Object:
    """The request's metadata, by which it is of the account."""
    known = account["metadata"]
    own = {field: known[field] for field in ("name", "namespace", "uid")} | {"creationTimestamp": time}
    return {**own, **{field: value for field, value in metadata.items() if field not in own}}


def _check_metadata(body: Object, account: Object) -> None:
    """Raises StatusError 400, 409, 422."""
    given, known = body["metadata"], account["metadata"]
    for field in ("name", "namespace"):
        if given.get(field) and given[field] != known[field]:
            if field == "namespace":
                raise status.bad_request(
                    "the namespace of the provided object does not match the namespace sent on the request"
                )
            text = "must match the service account name if specified"
            error = validation.invalid_value("metadata.name", given[field], text)
            raise status.invalid(reviews.TOKEN_REQUESTS, known[field], [error])
        given[field] = known[field]
    uid = given.pop("uid", None)
    if uid and uid != known["uid"]:
        raise status.conflict(
            reviews.TOKEN_REQUESTS,
            known["name"],
            f"the UID in the token request ({uid}) does not match the UID of the service account "
            f"({known['uid']})",
        )
