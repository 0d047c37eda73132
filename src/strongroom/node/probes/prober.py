"""Asks a container what one of its probes asks, and tells the pod's owner when it should not be as it is."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from strongroom.machinery.gvk import Object
from strongroom.node import env, events, hooks
from strongroom.node.exec_sync import ExecSync
from strongroom.node.probes import exec_command, grpc_health, http_get, tcp_socket
from strongroom.node.probes.outcome import Kind, Outcome, ProbeError
from strongroom.node.redaction import redact

_ATTEMPTS = 3
_OUTPUT_LIMIT = 10 * 1024


@dataclass(slots=True)
class Target:
    """The container that is asked. `ip` is its pod's address."""

    pod: Object = field(repr=False)
    container: Object = field(repr=False)
    container_id: str
    ip: str = ""
    is_init: bool = False


class Prober:
    """`values` gives what a container knows and an event must not tell: it may have printed it.

    To be closed with `aclose`.
    """

    def __init__(
        self, runner: ExecSync, recorder: events.Recorder, values: Callable[[Object], Iterable[bytes]]
    ) -> None:
        self._runner = runner
        self._recorder = recorder
        self._values = values
        self._http = http_get.HTTPGet()

    async def aclose(self) -> None:
        await self._http.aclose()

    async def probe(
        self, kind: Kind, spec: Object, target: Target, timeout: float, *, quiet: bool = False
    ) -> bool | None:
        """Whether the container passes; None if it could not be asked. `quiet`: no event tells of failure."""
        for attempt in range(_ATTEMPTS):
            try:
                outcome = await self._ask(spec, target, timeout)
                break
            except ProbeError as error:
                if attempt + 1 < _ATTEMPTS:
                    continue
                text = self._printable(target, str(error), foreign=error.foreign)
                result = f"{kind.title} probe errored and resulted in {error.state} state: {text}"
                if not quiet:
                    self._tell(target, "Unhealthy", result)
                return None
        if outcome.warning:
            self._say(target, "ProbeWarning", f"{kind.title} probe warning", outcome)
        elif not outcome.success and not quiet:
            self._say(target, "Unhealthy", f"{kind.title} probe failed", outcome)
        return outcome.success

    async def _ask(self, spec: Object, target: Target, timeout: float) -> Outcome:
        if (command := spec.get("exec")) is not None:
            words = expand_static(command.get("command") or (), target.container)
            return await exec_command.probe(self._runner, target.container_id, words, timeout)
        if (request := spec.get("httpGet")) is not None:
            resolved = {**request, "port": port_of(request, target.container)}
            address = hooks.url(resolved, target.container, target.ip)
            return await self._http.probe(address, http_get.headers(request), timeout)
        if (socket := spec.get("tcpSocket")) is not None:
            host = str(socket.get("host") or target.ip)
            return await tcp_socket.probe(host, port_of(socket, target.container), timeout)
        if (health := spec.get("grpc")) is not None:
            service = str(health.get("service") or "")
            return await grpc_health.probe(target.ip, int(health["port"]), service, timeout)
        raise ProbeError(f"missing probe handler for {target.pod['metadata']['name']}")

    def _say(self, target: Target, reason: str, what: str, outcome: Outcome) -> None:
        text = self._printable(target, outcome.text, foreign=outcome.foreign)
        self._tell(target, reason, f"{what}: {text}")

    def _printable(self, target: Target, text: str, *, foreign: bool) -> str:
        if not foreign:
            return text
        return redact(text[:_OUTPUT_LIMIT], self._values(target.pod))

    def _tell(self, target: Target, reason: str, message: str) -> None:
        path = events.field_path(target.container, is_init=target.is_init)
        self._recorder.event(target.pod, events.WARNING, reason, message, path)


def expand_static(command: Iterable[object], container: Object) -> list[str]:
    """The command with each `$(NAME)` of the container's `env` as it stands there: what comes from elsewhere
    (`valueFrom`) is empty, as with the kubelet, and shows no value to whoever lists processes."""
    found = {each["name"]: str(each.get("value") or "").encode() for each in container.get("env") or ()}
    return [env.expand(str(word), found.get).decode(errors="replace") for word in command]


def port_of(where: Object, container: Object) -> int:
    """The port that a probe names by its number, or by its name among the container's ports."""
    port = where.get("port")
    for named in container.get("ports") or ():
        if isinstance(port, str) and named.get("name") == port:
            return _valid(named["containerPort"])
    if isinstance(port, str) and not port.isdecimal():
        raise ProbeError(f"couldn't find port: {{1 0 {port}}} for container: {container['name']}")
    return _valid(port)


def _valid(port: object) -> int:
    number = int(str(port or 0))
    if not 0 < number < 65536:
        raise ProbeError(f"invalid port number: {number}")
    return number
