"""Acting as someone else, for those who may: Kubernetes' "User impersonation"."""

from collections.abc import Awaitable, Iterator
from urllib.parse import unquote

from strongroom.machinery import status
from strongroom.machinery.request_info import RequestInfo, UserInfo
from strongroom.server.authorization.authorizer import Authorizer, Decision
from strongroom.server.filters import Handler
from strongroom.server.filters.authorization import denial
from strongroom.server.request import ANONYMOUS, Headers, Request

_USER, _UID, _GROUP, _EXTRA = (
    b"impersonate-user",
    b"impersonate-uid",
    b"impersonate-group",
    b"impersonate-extra-",
)
_PARTS = (_USER, _UID, _GROUP)
_ANY = b"impersonate-"
_AUTHENTICATION = "authentication.k8s.io"
_AUTHENTICATED = "system:authenticated"
_ACCOUNT = "system:serviceaccount:"


def with_impersonation(inner: Handler, authorizer: Authorizer) -> Handler:
    """Each part of the other identity (user, groups, uid, extra values) needs the verb `impersonate`."""

    def handle(request: Request) -> Awaitable[None]:
        if _ANY in b"\0".join(request.headers) and _asked(request.headers):
            wanted = _wanted(request)
            for info in _needed(wanted):
                verdict = authorizer.authorize(request.user, info)
                if verdict.decision is not Decision.ALLOW:
                    raise denial(request.user, info, verdict.reason)
            request.impersonated_by, request.user = request.user, _complete(wanted)
        return inner(request)

    return handle


def _asked(headers: Headers) -> bool:
    """Whether any part of another identity is given.

    A part without a user is refused, not passed over: who sends it does not mean to act as themselves."""
    return any(name in _PARTS or name.startswith(_EXTRA) for name in headers)


def _wanted(request: Request) -> UserInfo:
    """What the headers say. Raises StatusError 400."""
    name, groups, extra = _text(request.headers.get(_USER, b"")), [], dict[str, list[str]]()
    for header, value in request.scope["headers"]:
        if header == _GROUP:
            groups.append(_text(value))
        elif header.startswith(_EXTRA):
            key = unquote(_text(header[len(_EXTRA) :])).lower()
            extra.setdefault(key, []).append(_text(value))
    if not name or not name.isprintable():
        raise status.bad_request("requested impersonation without one user to impersonate")
    uid = _text(request.headers.get(_UID, b""))
    if uid and not uid.isprintable():
        raise status.bad_request("requested impersonation with more than one uid, or one that is no text")
    values = {key: tuple(each) for key, each in extra.items()}
    return UserInfo(name, uid, tuple(groups), values)


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _needed(wanted: UserInfo) -> Iterator[RequestInfo]:
    """What must be allowed, all of it."""
    namespace, account = _account(wanted.name)
    if account:
        yield _info("", "serviceaccounts", account, namespace)
    else:
        yield _info("", "users", wanted.name)
    for group in wanted.groups:
        yield _info("", "groups", group)
    if wanted.uid:
        yield _info(_AUTHENTICATION, "uids", wanted.uid)
    for key, values in wanted.extra.items():
        for value in values:
            yield _info(_AUTHENTICATION, "userextras", value, subresource=key)


def _info(group: str, resource: str, name: str, namespace: str = "", subresource: str = "") -> RequestInfo:
    return RequestInfo(True, "impersonate", "", group, "v1", namespace, resource, subresource, name)


def _account(user: str) -> tuple[str, str]:
    """Namespace and name of the service account that a user name is, else ("", "")."""
    namespace, _, name = user.removeprefix(_ACCOUNT).partition(":")
    return (namespace, name) if user.startswith(_ACCOUNT) and namespace and name else ("", "")


def _complete(wanted: UserInfo) -> UserInfo:
    """With the groups that everyone like that is in."""
    groups = wanted.groups
    namespace, _ = _account(wanted.name)
    if namespace and not groups:
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")
    if wanted.name == ANONYMOUS.name:
        extra: tuple[str, ...] = ANONYMOUS.groups
    else:
        extra = () if ANONYMOUS.groups[0] in groups else (_AUTHENTICATED,)
    return UserInfo(wanted.name, wanted.uid, tuple(dict.fromkeys((*groups, *extra))), wanted.extra)
