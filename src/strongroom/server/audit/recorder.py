"""Decides what is recorded, and what an answer is worth when it can't be."""

import logging
from collections.abc import Iterator
from datetime import datetime
from typing import Final, Protocol

from strongroom.aio.clock import Clock
from strongroom.api import resources
from strongroom.machinery.request_info import RequestInfo
from strongroom.server.audit import event
from strongroom.server.audit.policy import METADATA, NONE, PANIC, RECEIVED, REQUEST_RESPONSE, Policy, Rule
from strongroom.server.request import Request
from strongroom.telemetry.metrics import Family

_log = logging.getLogger(__name__)

REFUSED: Final = (401, 403)
_NOT_THERE: Final = (400, 404, 405)
_REMEMBERED: Final = 4096
_READS: Final = ("get", "list", "watch", "patch", "deletecollection")
"""Verbs whose answers hold values."""
_REFUSAL: Final = Rule(METADATA)


class Sink(Protocol):
    """Where events go."""

    async def write(self, event: bytes) -> None:
        """Returns when it is kept. Raises OSError when it can't be."""
        ...


class Unrecorded(Exception):
    """The answer must not leave: it can't be recorded."""


class Recorder:
    """Writes events by the policy. `fail_open`: a Secret may be read though the log can't be written."""

    def __init__(self, policy: Policy, sink: Sink, clock: Clock, *, fail_open: bool = False) -> None:
        self.clock = clock
        self.keeps_bodies = policy.shows_bodies
        self.records_received = policy.records(RECEIVED)
        self._policy = policy
        self._sink = sink
        self._fail_open = fail_open
        self._names = policy.looks_at_names
        self._rules: dict[tuple[object, ...], Rule] = {}
        self._failing = False
        self.written = 0
        """Events so far."""
        self.rejected = 0
        """Requests so far that were not answered since they could not be recorded."""

    async def record(
        self, request: Request, stage: str, code: int, received: datetime, answered_as: str = ""
    ) -> None:
        """`answered_as`: the media type of an answer in `request.notes`. Raises Unrecorded."""
        rule = self._rule(request)
        if rule.level == NONE and self._policy.refusals and _is_on_record(request, stage, code):
            rule = _REFUSAL
        if rule.level == NONE or stage in rule.omit_stages:
            return
        now = self.clock.now()
        try:
            await self._sink.write(event.encode(request, rule, stage, code, received, now, answered_as))
        except OSError as error:
            if not self._failing:
                self._failing = True
                _log.error("the audit log can't be written: %s", error.strerror)
            if not self._fail_open and code < 300 and _reads_secrets(request.info):
                self.rejected += 1
                raise Unrecorded from None
        else:
            self.written += 1
            if self._failing:
                self._failing = False
                _log.warning("the audit log is written again; what happened meanwhile is missing in it")

    def families(self) -> Iterator[Family]:
        """How many events there were."""
        return families(self.written, self.rejected)

    def shows_answer(self, request: Request) -> bool:
        """Whether the policy wants what is answered, too."""
        return self.keeps_bodies and self._rule(request).level == REQUEST_RESPONSE

    def _rule(self, request: Request) -> Rule:
        # Rules are about who sent a request, not about whom they act as.
        user, info = request.impersonated_by or request.user, request.info
        key = (
            user.name,
            user.groups,
            info.verb,
            info.group,
            info.resource,
            info.subresource,
            info.namespace,
            info.name if self._names else "",
            "" if info.is_resource else info.path,
        )
        rule = self._rules.get(key)
        if rule is None:
            if len(self._rules) >= _REMEMBERED:
                self._rules.clear()
            rule = self._rules[key] = self._policy.rule(user, info)
        return rule


def families(written: int = 0, rejected: int = 0) -> Iterator[Family]:
    """As kube-apiserver shows them, also without an audit log."""
    for name, help, number in (
        (
            "apiserver_audit_event_total",
            "[ALPHA] Counter of audit events generated and sent to the audit backend.",
            written,
        ),
        (
            "apiserver_audit_requests_rejected_total",
            "[ALPHA] Counter of apiserver requests rejected due to an error in audit logging backend.",
            rejected,
        ),
    ):
        yield Family("counter", name, help, (), [((), number)])


def _is_on_record(request: Request, stage: str, code: int) -> bool:
    """Refusals; and paths that there are not, which are asked for by who looks for a way around."""
    return stage == PANIC or code in REFUSED or (not request.info.is_resource and code in _NOT_THERE)


def _reads_secrets(info: RequestInfo) -> bool:
    return info.verb in _READS and info.resource == resources.SECRETS.plural and not info.group
