"""Lifecycle hooks of containers: `postStart` and `preStop`.

A hook has no time limit of its own: who runs it cancels it, and nothing of it is left running then. Rules:
the kubelet's `lifecycle.HandlerRunner`. What a hook prints is told to nobody: it may be a value of a Secret.
"""

import asyncio

import aiohttp
import yarl

from strongroom.machinery.gvk import Object
from strongroom.node.cri.errors import CRIError
from strongroom.node.exec_sync import ExecSync

_REDIRECTS = 10
_USER_AGENT = "kube-lifecycle/1.36"


class HookError(Exception):
    """A hook failed. `str()` says how, in the kubelet's words for a container `name` of a pod `full_name`."""


async def run(
    runner: ExecSync, handler: Object, container: Object, container_id: str, pod_ip: str, full_name: str = ""
) -> None:
    """Run a handler (`exec`, `httpGet` or `sleep`) to its end. Raises `HookError`."""
    where = f'for Container "{container["name"]}" in Pod "{full_name}" failed'
    if (command := handler.get("exec")) is not None:
        words = [str(word) for word in command.get("command") or ()]
        if error := await _exec(runner, container_id, words):
            # The kubelet ends with what the hook printed.
            raise HookError(
                f'Exec lifecycle hook ([{" ".join(words)}]) {where} - error: {error}, message: ""'
            )
    elif (request := handler.get("httpGet")) is not None:
        if error := await _http_get(url(request, container, pod_ip), request):
            raise HookError(f"HTTP lifecycle hook ({request.get('path') or ''}) {where} - error: {error}")
    elif (pause := handler.get("sleep")) is not None:
        await asyncio.sleep(float(pause.get("seconds") or 0))
    else:
        # `tcpSocket` is kept in the API for old manifests; the kubelet has never run one as a hook.
        raise HookError("Cannot run handler: invalid handler")


async def _exec(runner: ExecSync, container_id: str, command: list[str]) -> str:
    """Run a command; what went wrong, without what it printed."""
    try:
        answer = await runner.exec_sync(container_id, command, 0)
    except CRIError as error:
        return f"the command could not be run ({error.code})"
    return f"command '{' '.join(command)}' exited with {answer.exit_code}: " if answer.exit_code else ""


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


async def _http_get(address: str, request: Object) -> str:
    """Ask, following redirects to the same host; why there was no answer. Any answer will do."""
    given = {header["name"]: header.get("value", "") for header in request.get("httpHeaders") or ()}
    headers = {"User-Agent": _USER_AGENT, "Accept": "*/*", **given}
    target = first = yarl.URL(address)
    try:
        # No certificate is checked: the request goes to the pod's own address, as the kubelet's does.
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as session:
            for _ in range(_REDIRECTS):
                async with session.get(target, headers=headers, ssl=False, allow_redirects=False) as answer:
                    location = answer.headers.get("Location", "") if 300 <= answer.status < 400 else ""
                if not location:
                    return ""
                target = target.join(yarl.URL(location))
                if target.host != first.host:
                    return ""  # nobody sends the node to another host
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return f'Get "{target}": {type(error).__name__}'
    return f'Get "{target}": stopped after {_REDIRECTS} redirects'
