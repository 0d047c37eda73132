"""Requests as events of `audit.k8s.io/v1`.

Put together from pieces of JSON that are alike for many requests: an event costs less than its answer.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

import orjson

from strongroom.machinery.request_info import UserInfo
from strongroom.machinery.status import StatusError
from strongroom.server.audit import bodies
from strongroom.server.audit.policy import (
    API_VERSION,
    COMPLETE,
    LEVELS,
    METADATA,
    PANIC,
    RECEIVED,
    REQUEST_RESPONSE,
    STAGES,
    Rule,
)
from strongroom.server.authorization.authorizer import Decision, Verdict
from strongroom.server.request import Request

_AGENT_MAX: Final = 1024
_CUT: Final = "...TRUNCATED"
_REMEMBERED: Final = 4096
_SPEAKING: Final = (400, 422)
"""Whose texts may quote what was sent. So may those of 500, for a patch that does not fit its kind."""


def encode(
    request: Request,
    rule: Rule,
    stage: str,
    code: int,
    received: datetime,
    now: datetime,
    answered_as: str = "",
) -> bytes:
    """An event as JSON. At level Metadata it holds names and no contents.

    `answered_as`: the media type of the answer, where there may be one to show."""
    info, query, verdict = request.info, request.query_string, request.verdict
    fields: dict[str, Any] = {
        "verb": info.verb,
        "requestURI": f"{request.path}?{query.decode('latin-1')}" if query else request.path,
        "requestReceivedTimestamp": received,
        "stageTimestamp": received if stage == RECEIVED else now,
    }
    if info.is_resource:
        fields["objectRef"] = _reference(request)
    actor = request.impersonated_by
    headers = request.headers
    parts = [
        _HEADS[rule.level, stage],
        request.audit_id
        if b"audit-id" not in headers
        else _json(headers[b"audit-id"].decode("latin-1"))[1:-1],
        b'","user":',
        _users.get(request.user if actor is None else actor),
        _sources(request),
        _agent(headers.get(b"user-agent", b"")),
    ]
    if actor is not None:
        parts += (b',"impersonatedUser":', _users.get(request.user))
    if stage != RECEIVED:
        parts.append(_status(request, stage, code))
        if rule.level != METADATA:
            parts += _bodies(request, rule, stage, code, answered_as)
    if request.annotations:
        parts += (b',"annotations":', _json({**request.annotations, **_decision(verdict)}))
    elif verdict is not None:
        parts += (b',"annotations":', _verdicts.get(verdict))
    parts += (b",", _json(fields)[1:])
    return b"".join(parts)


Of = TypeVar("Of")
_HEADS: Final = {
    (level, stage): (
        f'{{"kind":"Event","apiVersion":"{API_VERSION}","level":"{level}","stage":"{stage}","auditID":"'.encode()
    )
    for level in LEVELS
    for stage in STAGES
}


def _json(value: Any) -> bytes:
    try:
        return orjson.dumps(value, option=orjson.OPT_UTC_Z)
    except TypeError:  # a path that is no text
        return orjson.dumps(_as_text(value), option=orjson.OPT_UTC_Z)


def _escaped(header: bytes) -> bytes:
    """A header's text within the quotes of a JSON string."""
    return _json(header.decode("latin-1"))[1:-1]


def _as_text(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {_as_text(key): _as_text(item) for key, item in value.items()}
    return [_as_text(item) for item in value] if isinstance(value, list | tuple) else value


class _Pieces(Generic[Of]):
    """The JSON of what comes again and again, by identity; `make` says what is shown of it."""

    def __init__(self, make: Callable[[Of], Any]) -> None:
        self._make = make
        self._known: dict[int, tuple[Of, bytes]] = {}

    def get(self, of: Of) -> bytes:
        found = self._known.get(id(of))
        if found is not None and found[0] is of:
            return found[1]
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        made = _json(self._make(of))
        self._known[id(of)] = (of, made)
        return made


def _user(user: UserInfo) -> Mapping[str, Any]:
    shown: dict[str, Any] = {"username": user.name}
    if user.uid:
        shown["uid"] = user.uid
    if user.groups:
        shown["groups"] = user.groups
    if user.extra:
        shown["extra"] = user.extra
    return shown


def _sources(request: Request) -> bytes:
    headers, client = request.headers, request.scope.get("client")
    peer = client[0] if client else ""
    if b"x-forwarded-for" not in headers and b"x-real-ip" not in headers:
        found = _peers.get(peer)
        if found is None:
            if len(_peers) >= _REMEMBERED:
                _peers.clear()
            found = _peers[peer] = b',"sourceIPs":' + _json([peer] if peer else [])
        return found
    sources = [each.strip() for each in request.header(b"x-forwarded-for").split(",") if each.strip()]
    if real := request.header(b"x-real-ip").strip():
        sources.append(real)
    if peer:
        sources.append(peer)
    return b',"sourceIPs":' + _json(list(dict.fromkeys(sources)))


def _agent(header: bytes) -> bytes:
    found = _agents.get(header)
    if found is None:
        if len(_agents) >= _REMEMBERED:
            _agents.clear()
        text = header.decode("latin-1")
        found = b',"userAgent":' + _json(text if len(text) <= _AGENT_MAX else text[:_AGENT_MAX] + _CUT)
        if len(header) <= _AGENT_MAX:
            _agents[header] = found
    return found


def _reference(request: Request) -> Mapping[str, str]:
    info = request.info
    fields = {"resource": info.resource}
    if info.namespace:
        fields["namespace"] = info.namespace
    if name := info.name or request.object_name:
        fields["name"] = name
    if info.group:
        fields["apiGroup"] = info.group
    fields["apiVersion"] = info.version
    if info.subresource:
        fields["subresource"] = info.subresource
    return fields


def _status(request: Request, stage: str, code: int) -> bytes:
    notes = request.notes
    if stage == PANIC and notes is not None:
        text = f"APIServer panic'd: {notes.panic}"
        shown = {"metadata": {}, "status": "Failure", "message": text, "reason": "InternalError", "code": 500}
        return b',"responseStatus":' + _json(shown)
    if notes is None or notes.failure is None:
        return b',"responseStatus":{"metadata":{},"code":%d}' % code
    return b',"responseStatus":' + _json(_failure(request, notes.failure, code))


def _failure(request: Request, failure: StatusError, code: int) -> Mapping[str, Any]:
    """Causes may quote what was sent, and so may the texts of some errors: they are left out."""
    shown: dict[str, Any] = {"metadata": {}, "status": "Failure"}
    if code not in _SPEAKING and not (code == 500 and request.info.verb == "patch"):
        shown["message"] = failure.message
    if failure.reason:
        shown["reason"] = failure.reason
    if failure.details is not None:
        shown["details"] = {key: value for key, value in failure.details.items() if key != "causes"}
    shown["code"] = code
    return shown


def _bodies(request: Request, rule: Rule, stage: str, code: int, answered_as: str) -> list[bytes]:
    parts: list[bytes] = []
    found = {"requestObject": bodies.of_request(request, code)}
    if rule.level == REQUEST_RESPONSE and stage == COMPLETE:
        found["responseObject"] = bodies.of_answer(request, answered_as)
    for field, document in found.items():
        if document is not None:
            shown = bodies.without_managed_fields(document) if rule.omit_managed_fields else document
            parts += (b',"%b":' % field.encode(), _json(shown))
    return parts


def _decision(verdict: Verdict | None) -> Mapping[str, str]:
    if verdict is None:
        return {}
    decided = "allow" if verdict.decision is Decision.ALLOW else "forbid"
    return {"authorization.k8s.io/decision": decided, "authorization.k8s.io/reason": verdict.reason}


_users = _Pieces(_user)
_verdicts = _Pieces(_decision)
_agents: dict[bytes, bytes] = {}
_peers: dict[str, bytes] = {}
