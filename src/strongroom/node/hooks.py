"""Lifecycle hooks of containers: `postStart` and `preStop`."""

import asyncio

import aiohttp

from strongroom.machinery.gvk import Object
from strongroom.node.cri.errors import CRIError
from strongroom.node.cri.protocol import CRI


class HookError(Exception):
    """A hook failed. `str()` says how, without what the hook printed."""


async def run(cri: CRI, handler: Object, container: Object, container_id: str, pod_ip: str) -> None:
    """Run a handler (`exec`, `httpGet` or `sleep`) to its end. Raises `HookError`."""
    if (command := handler.get("exec")) is not None:
        await _exec(cri, container_id, [str(word) for word in command.get("command") or ()])
    elif (request := handler.get("httpGet")) is not None:
        await _http_get(url(request, container, pod_ip), request)
    elif (pause := handler.get("sleep")) is not None:
        await asyncio.sleep(float(pause.get("seconds") or 0))


async def _exec(cri: CRI, container_id: str, command: list[str]) -> None:
    try:
        answer = await cri.exec_sync(container_id, command, 0)
    except CRIError as error:
        raise HookError(f"the command could not be run ({error.code})") from None
    if answer.exit_code:
        raise HookError(f"command exited with {answer.exit_code}")


def url(request: Object, container: Object, pod_ip: str) -> str:
    """Where an `httpGet` goes: the pod itself, unless it names a host. Ports may be given by name."""
    port = request.get("port")
    for named in container.get("ports") or ():
        if named.get("name") == port:
            port = named["containerPort"]
    host = str(request.get("host") or pod_ip)
    scheme = str(request.get("scheme") or "HTTP").lower()
    path = str(request.get("path") or "/")
    bracketed = f"[{host}]" if ":" in host else host
    return f"{scheme}://{bracketed}:{port}/{path.removeprefix('/')}"


async def _http_get(address: str, request: Object) -> None:
    headers = {header["name"]: header.get("value", "") for header in request.get("httpHeaders") or ()}
    timeout = aiohttp.ClientTimeout(total=30)
    try:
        # No certificate is checked: the request goes to the pod's own address, as the kubelet's does.
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(address, headers=headers, ssl=False) as answer,
        ):
            if answer.status >= 400:
                raise HookError(f"HTTP status {answer.status}")
    except (aiohttp.ClientError, TimeoutError) as error:
        raise HookError(type(error).__name__) from None
