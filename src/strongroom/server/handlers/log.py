"""GET of `pods/log`: the container's output, passed on from its node as it comes."""

from collections.abc import Sequence

from strongroom.machinery import status, validation
from strongroom.machinery.codec import scalars
from strongroom.machinery.codec.errors import TypeMismatch
from strongroom.machinery.validation import FieldError
from strongroom.registry.catalog import Catalog
from strongroom.server import responses, routing
from strongroom.server.handlers import options, pod_target
from strongroom.server.node_connection import NodeConnector
from strongroom.server.request import Request

_FLAGS = ("follow", "previous", "timestamps")
_PASSED = ("sinceSeconds", "sinceTime", "tailLines", "limitBytes", "stream")
_STREAMS = ("All", "Stdout", "Stderr")


async def log(request: Request, catalog: Catalog, nodes: NodeConnector) -> None:
    _check(request)
    info = request.info
    target = await pod_target.find(catalog, info.namespace, info.name, request.parameter("container"))
    if target.node is None:
        await responses.send(request, 204, b"", responses.TEXT)
        return
    async with nodes.stream(target.node, target.path("containerLogs"), _query(request)) as chunks:
        await responses.start(request, responses.TEXT)
        await responses.part(request, b"")
        async for chunk in chunks:
            await responses.part(request, chunk)
    await responses.end(request)


def _query(request: Request) -> Sequence[tuple[str, str]]:
    query = [(name, "true") for name in _FLAGS if routing.truthy(request, name)]
    return query + [(name, value) for name in _PASSED if (value := request.parameter(name))]


def _check(request: Request) -> None:
    """Raises StatusError 400, 422."""
    errors: list[FieldError] = []
    seconds = options.integer(request, "sinceSeconds")
    time = request.parameter("sinceTime")
    if seconds is not None and time:
        text = "at most one of `sinceTime` or `sinceSeconds` may be specified"
        errors.append(validation.forbidden("[]", text))
    if seconds is not None and seconds < 1:
        errors.append(validation.invalid_value("sinceSeconds", seconds, "must be greater than 0"))
    if time:
        try:
            scalars.time(time)
        except TypeMismatch as error:
            raise status.bad_request(str(error)) from None
    lines = options.integer(request, "tailLines")
    if lines is not None and lines < 0:
        errors.append(validation.invalid_value("tailLines", lines, "must be greater than or equal to 0"))
    limit = options.integer(request, "limitBytes")
    if limit is not None and limit < 1:
        errors.append(validation.invalid_value("limitBytes", limit, "must be greater than 0"))
    stream = request.parameter("stream")
    if stream and stream not in _STREAMS:
        errors.append(validation.not_supported("stream", stream, _STREAMS))
    elif stream not in ("", "All") and lines is not None:
        text = "`tailLines` and specific `stream` are mutually exclusive for now"
        errors.append(validation.forbidden("[]", text))
    if errors:
        raise status.invalid_kind("PodLogOptions", "", "PodLogOptions", request.info.name, errors)
