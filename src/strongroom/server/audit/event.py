"""Requests as events of `audit.k8s.io/v1`, level Metadata."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import orjson

from strongroom.machinery.request_info import UserInfo
from strongroom.server.audit.policy import API_VERSION, METADATA
from strongroom.server.authorization.authorizer import Decision
from strongroom.server.request import Request

_AGENT_MAX: Final = 1024
_CUT: Final = "...TRUNCATED"


def encode(request: Request, stage: str, code: int, received: datetime, now: datetime) -> bytes:
    """An event as JSON. It holds names and no contents."""
    query = request.query_string
    uri = f"{request.path}?{query.decode('latin-1')}" if query else request.path
    event: dict[str, Any] = {
        "kind": "Event",
        "apiVersion": API_VERSION,
        "level": METADATA,
        "auditID": request.audit_id.decode("latin-1"),
        "stage": stage,
        "requestURI": uri,
        "verb": request.info.verb,
        "user": _user(request.user),
    }
    if request.impersonated_by is not None:
        event["user"], event["impersonatedUser"] = _user(request.impersonated_by), event["user"]
    event["sourceIPs"] = _sources(request)
    agent = request.header(b"user-agent")
    event["userAgent"] = agent if len(agent) <= _AGENT_MAX else agent[:_AGENT_MAX] + _CUT
    if request.info.is_resource:
        event["objectRef"] = _reference(request)
    event["responseStatus"] = {"metadata": {}, "code": code}
    event["requestReceivedTimestamp"] = received
    event["stageTimestamp"] = now
    if annotations := _annotations(request):
        event["annotations"] = annotations
    try:
        return orjson.dumps(event, option=orjson.OPT_UTC_Z)
    except TypeError:  # a path that is no text
        return orjson.dumps(_as_text(event), option=orjson.OPT_UTC_Z)


def _as_text(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {_as_text(key): _as_text(item) for key, item in value.items()}
    return [_as_text(item) for item in value] if isinstance(value, list | tuple) else value


def _user(user: UserInfo) -> Mapping[str, Any]:
    shown: dict[str, Any] = {"username": user.name}
    if user.uid:
        shown["uid"] = user.uid
    if user.groups:
        shown["groups"] = user.groups
    if user.extra:
        shown["extra"] = user.extra
    return shown


def _sources(request: Request) -> list[str]:
    sources = []
    if forwarded := request.header(b"x-forwarded-for"):
        sources += [each.strip() for each in forwarded.split(",") if each.strip()]
    if real := request.header(b"x-real-ip").strip():
        sources.append(real)
    client = request.scope.get("client")
    if client:
        sources.append(client[0])
    return list(dict.fromkeys(sources))


def _reference(request: Request) -> Mapping[str, str]:
    info = request.info
    fields = {
        "resource": info.resource,
        "namespace": info.namespace,
        "name": info.name or request.object_name,
        "apiGroup": info.group,
        "apiVersion": info.version,
        "subresource": info.subresource,
    }
    return {name: value for name, value in fields.items() if value}


def _annotations(request: Request) -> Mapping[str, str]:
    annotations = dict(request.annotations)
    if (verdict := request.verdict) is not None:
        allowed = verdict.decision is Decision.ALLOW
        annotations["authorization.k8s.io/decision"] = "allow" if allowed else "forbid"
        annotations["authorization.k8s.io/reason"] = verdict.reason
    return annotations
