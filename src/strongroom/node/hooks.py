"""Lifecycle hooks of containers: `postStart` and `preStop`.

A hook has no time limit of its own: who runs it cancels it, and nothing of it is left running then.
"""

import asyncio

import aiohttp

from strongroom.machinery.gvk import Object
from strongroom.node.cri.errors import CRIError
from strongroom.node.exec_sync import ExecSync


class HookError(Exception):
    """A hook failed. `str()` says how, without what the hook printed."""


async def run(runner: ExecSync, handler: Object, container: Object, container_id: str, pod_ip: str) -> None:
    """Run a handler (`exec`, `httpGet` or `sleep`) to its end. Raises `HookError`."""
    if (command := handler.get("exec")) is not None:
        await _exec(runner, container_id, [str(word) for word in command.get("command") or ()])
    elif (request := handler.get("httpGet")) is not None:
        await _http_get(url(request, container, pod_ip), request)
    elif (pause := handler.get("sleep")) is not None:
        await asyncio.sleep(float(pause.get("seconds") or 0))
    else:
        # `tcpSocket` is kept in the API for old manifests; the kubelet has never run one as a hook.
        raise HookError("invalid handler")


async def _exec(runner: ExecSync, container_id: str, command: list[str]) -> None:
    try:
        answer = await runner.exec_sync(container_id, command, 0)
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
