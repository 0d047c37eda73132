"""The one error family at the API: a `Status` with reason, code and causes.

Texts and codes are those of Kubernetes' API conventions ("Response Status Kind") and of `apimachinery`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from strongroom.machinery.gvk import Resource
from strongroom.machinery.validation import FieldError


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause in `details.causes`. Empty parts are left out."""

    reason: str = ""
    message: str = ""
    field: str | None = None

    def to_dict(self) -> dict[str, str]:
        cause = {}
        if self.reason:
            cause["reason"] = self.reason
        if self.message:
            cause["message"] = self.message
        if self.field:
            cause["field"] = self.field
        return cause


class StatusError(Exception):
    """An answer of the API that is not success. `str()` is its message, without any value of a Secret."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        details: dict[str, Any] | None = None,
        *,
        retry_after: int = 0,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.metadata = metadata or {}
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details
        self.retry_after = retry_after
        self.warnings: Sequence[str] = ()
        """Texts for `Warning` headers that go with it."""
        if retry_after:
            self.details = {**(details or {}), "retryAfterSeconds": retry_after}

    def to_dict(self) -> dict[str, Any]:
        """The `Status` object."""
        status: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": self.metadata,
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            status["reason"] = self.reason
        if self.details is not None:
            status["details"] = self.details
        status["code"] = self.code
        return status

    def body(self) -> bytes:
        """Compact JSON of the `Status`, with the closing newline."""
        try:
            return orjson.dumps(self.to_dict(), option=orjson.OPT_APPEND_NEWLINE)
        except TypeError:  # half a surrogate pair in what was asked for
            return json.dumps(self.to_dict(), separators=(",", ":")).encode("ascii") + b"\n"

    @classmethod
    def from_dict(cls, status: dict[str, Any], code: int | None = None) -> "StatusError":
        """The error for a `Status` received from a server."""
        return cls(
            code or int(status.get("code", 500)),
            str(status.get("reason", "")),
            str(status.get("message", "")),
            status.get("details"),
        )


def _details(resource: Resource, name: str, **more: Any) -> dict[str, Any]:
    details: dict[str, Any] = {}
    if name:
        details["name"] = name
    if resource.group:
        details["group"] = resource.group
    details["kind"] = resource.plural
    details.update(more)
    return details


def bad_request(message: str) -> StatusError:
    return StatusError(400, "BadRequest", message)


def unauthorized() -> StatusError:
    return StatusError(401, "Unauthorized", "Unauthorized")


def forbidden(resource: Resource, name: str, text: str, causes: Sequence[Cause] = ()) -> StatusError:
    """`‹resource› "‹name›" is forbidden: ‹text›`, as admission and authorization say it."""
    quoted = f' "{name}"' if name else ""
    more = {"causes": [cause.to_dict() for cause in causes]} if causes else {}
    return StatusError(
        403,
        "Forbidden",
        f"{resource.group_resource}{quoted} is forbidden: {text}",
        _details(resource, name, **more),
    )


def not_found(resource: Resource, name: str) -> StatusError:
    return StatusError(
        404, "NotFound", f'{resource.group_resource} "{name}" not found', _details(resource, name)
    )


def unknown_path() -> StatusError:
    """For a path below /api or /apis that names nothing served."""
    return StatusError(404, "NotFound", "the server could not find the requested resource", {})


def method_not_allowed() -> StatusError:
    return StatusError(
        405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {}
    )


def not_acceptable(accepted: Sequence[str]) -> StatusError:
    return StatusError(
        406, "NotAcceptable", f"only the following media types are accepted: {', '.join(accepted)}"
    )


def already_exists(resource: Resource, name: str, *, deleting: bool = False) -> StatusError:
    prefix = "object is being deleted: " if deleting else ""
    return StatusError(
        409,
        "AlreadyExists",
        f'{prefix}{resource.group_resource} "{name}" already exists',
        _details(resource, name),
    )


STALE = "the object has been modified; please apply your changes to the latest version and try again"


def conflict(resource: Resource, name: str, cause: str = STALE) -> StatusError:
    return StatusError(
        409,
        "Conflict",
        f'Operation cannot be fulfilled on {resource.group_resource} "{name}": {cause}',
        _details(resource, name),
    )


def too_large(why: str) -> StatusError:
    return StatusError(413, "RequestEntityTooLarge", f"Request entity too large: {why}")


def unsupported_media_type(accepted: Sequence[str]) -> StatusError:
    return StatusError(
        415,
        "UnsupportedMediaType",
        "the body of the request was in an unknown format - accepted media types include: "
        + ", ".join(accepted),
    )


def unsupported_patch_type() -> StatusError:
    """For a PATCH of a kind that is built in: the router refuses it, and names no types."""
    return StatusError(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})


def invalid(resource: Resource, name: str, errors: Sequence[FieldError]) -> StatusError:
    """422 for an object that breaks rules; all of them at once, equal messages once."""
    return invalid_kind(resource.group_kind, resource.group, resource.kind, name, errors)


def invalid_kind(
    group_kind: str, group: str, kind: str, name: str, errors: Sequence[FieldError]
) -> StatusError:
    """422 for kinds without a resource, such as `ListOptions.meta.k8s.io`."""
    texts = list(dict.fromkeys(str(error) for error in errors))
    joined = texts[0] if len(texts) == 1 else "[" + ", ".join(texts) + "]"
    details: dict[str, Any] = {}
    if name:
        details["name"] = name
    if group:
        details["group"] = group
    if kind:
        details["kind"] = kind
    if errors:
        details["causes"] = [Cause(e.reason, e.body, e.field).to_dict() for e in errors]
    return StatusError(422, "Invalid", f'{group_kind} "{name}" is invalid: {joined}', details)


def expired(message: str, continue_token: str = "") -> StatusError:
    """`continue_token`: where a list can go on in the newest state."""
    metadata = {"continue": continue_token} if continue_token else None
    return StatusError(410, "Expired", message, metadata=metadata)


def too_many_requests(message: str, retry_after: int = 1) -> StatusError:
    return StatusError(429, "TooManyRequests", message, retry_after=retry_after)


def internal_error(message: str) -> StatusError:
    return StatusError(
        500, "InternalError", f"Internal error occurred: {message}", {"causes": [{"message": message}]}
    )


def service_unavailable(message: str) -> StatusError:
    return StatusError(503, "ServiceUnavailable", message)


def timeout(message: str, details: dict[str, Any] | None = None, *, retry_after: int = 0) -> StatusError:
    return StatusError(504, "Timeout", f"Timeout: {message}", details, retry_after=retry_after)
