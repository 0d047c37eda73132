"""Errors become answers: a `Status` for what is foreseen, 500 without a word of detail for what is not."""

import logging

from strongroom.machinery import status
from strongroom.registry import errors
from strongroom.server import responses
from strongroom.server.filters import Handler
from strongroom.server.request import Disconnected, Request

_log = logging.getLogger(__name__)
_SHOWN = 64
"""Characters of an audit ID, which a client may choose, that are told."""


def with_panic_recovery(inner: Handler) -> Handler:
    """A request whose answer has begun can only be broken off; so it is."""

    async def handle(request: Request) -> None:
        try:
            await inner(request)
        except status.StatusError as failure:
            await _answer(request, failure)
        except Disconnected:
            return
        except Exception as failure:
            known = errors.to_status(failure)
            if known is None:
                known = _panic(request, failure)
            await _answer(request, known)

    return handle


def _panic(request: Request, failure: Exception) -> status.StatusError:
    """The log has the type and place only: messages of foreign errors may hold what was being handled."""
    if request.notes is not None:
        request.notes.panic = type(failure).__name__
    identifier = request.audit_id[:_SHOWN].decode("ascii", "replace")
    _log.error(
        "request failed: %s %s: %s at %s (audit ID %s)",
        request.method,
        request.path,
        type(failure).__name__,
        _place(failure),
        identifier,
    )
    return status.internal_error(f"the server failed to handle the request (audit ID {identifier})")


async def _answer(request: Request, failure: status.StatusError) -> None:
    if request.started:
        raise BrokenOff
    await request.drop_body()
    await responses.error(request, failure)


class BrokenOff(Exception):
    """The answer can't be finished, and its end must not look like one."""


def _place(failure: BaseException) -> str:
    trace = failure.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "?"
    code = trace.tb_frame.f_code
    return f"{code.co_filename.rpartition('/')[2]}:{trace.tb_lineno} {code.co_name}"
