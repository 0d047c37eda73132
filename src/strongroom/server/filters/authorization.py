"""Whether the client may: 403 that says who may not do what, and why."""

from collections.abc import Awaitable

from strongroom.machinery import status
from strongroom.machinery.gvk import Resource
from strongroom.machinery.request_info import RequestInfo, UserInfo
from strongroom.server import responses
from strongroom.server.access_counts import AccessCounts
from strongroom.server.authorization.authorizer import Authorizer, Decision
from strongroom.server.filters import Handler
from strongroom.server.request import Request

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def with_authorization(inner: Handler, authorizer: Authorizer, counts: AccessCounts) -> Handler:
    authorize, allow = authorizer.authorize, Decision.ALLOW
    allowed = 0
    counts.allowed = lambda: allowed

    def handle(request: Request) -> Awaitable[None]:
        nonlocal allowed
        request.verdict = verdict = authorize(request.user, request.info)
        if verdict.decision is not allow:
            if verdict.decision is Decision.DENY:
                counts.denied += 1
            else:
                counts.no_opinion += 1
            refusal = denial(request.user, request.info, verdict.reason)
            return responses.error(request, refusal, filtered=True)
        allowed += 1
        return inner(request)

    return handle


def denial(user: UserInfo, info: RequestInfo, reason: str) -> status.StatusError:
    """The 403 of a refused request."""
    if not info.is_resource:
        text = f'User "{user.name}" cannot {info.verb} path "{info.path}"'
        message = f"forbidden: {text}" + (f": {reason}" if reason else "")
        return status.StatusError(403, "Forbidden", message.translate(_ESCAPES), {})
    resource = f"{info.resource}/{info.subresource}" if info.subresource else info.resource
    scope = f'in the namespace "{info.namespace}"' if info.namespace else "at the cluster scope"
    text = (
        f'User "{user.name}" cannot {info.verb} resource "{resource}" in API group "{info.group}" {scope}'
        + (f": {reason}" if reason else "")
    )
    target = Resource(info.group, info.version, info.resource, "")
    return status.forbidden(target, info.name, text.translate(_ESCAPES))
