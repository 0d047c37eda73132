"""Probes of Pods on a real containerd, as kubectl shows them."""

import asyncio
import json
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest

from strongroom.node.probes import _generated_health_pb2 as pb
from strongroom.testing import expect, manifests
from strongroom.testing.kubectl import Kubectl

Create = Callable[..., None]
SERVE = "httpd -p 8080 -h /www; exec sleep infinity"


@pytest.fixture
def create(latest: Kubectl) -> Create:
    """Create a Pod of one container with these fields beside its command."""

    def make(name: str, script: str, spec: dict[str, Any] | None = None, **fields: Any) -> None:
        pod = manifests.pod(name, command=["sh", "-c", f"trap exit TERM; {script}"], **(spec or {}))
        pod["spec"]["containers"][0] |= fields
        latest.ok("create", "-f", "-", stdin=manifests.text(pod))

    return make


def ready(kubectl: Kubectl, name: str, wanted: str = "True") -> None:
    kubectl.ok("wait", f"--for=condition=Ready={wanted}", f"pod/{name}", "--timeout=40s")


def status(kubectl: Kubectl, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(kubectl.ok("get", "pod", name, "-ojson"))["status"]
    return found


def events(kubectl: Kubectl, name: str) -> list[str]:
    shown = kubectl.ok("get", "events", f"--field-selector=involvedObject.name={name}", "-ojson")
    return [f"{each['type']} {each['reason']}: {each['message']}" for each in json.loads(shown)["items"]]


def test_http_readiness_by_named_port_and_header(latest: Kubectl, create: Create) -> None:
    probe = {"httpGet": {"port": "web", "path": "/ok"}, "periodSeconds": 1, "failureThreshold": 1}
    create(
        "p",
        f"mkdir /www; {SERVE}",
        ports=[{"name": "web", "containerPort": 8080}],
        readinessProbe=probe,
    )
    text = "Warning Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 404"
    expect.until(lambda: text in events(latest, "p"), what=text)
    found = status(latest, "p")["containerStatuses"][0]
    assert (found["ready"], found["started"], found["restartCount"]) == (False, True, 0)
    assert latest.ok("get", "pod", "p", "--no-headers").split()[1:3] == ["0/1", "Running"]
    latest.ok("exec", "p", "--", "sh", "-c", "echo fine > /www/ok")
    ready(latest, "p")
    latest.ok("exec", "p", "--", "rm", "/www/ok")
    ready(latest, "p", "False")
    assert status(latest, "p")["containerStatuses"][0]["restartCount"] == 0


def test_a_pod_with_probes_is_ready_soon_after_its_program_listens(latest: Kubectl, create: Create) -> None:
    get = {"httpGet": {"port": 8080}}
    create("p", f"mkdir /www; echo > /www/index.html; {SERVE}", readinessProbe=get)
    # Within the first period, which is 10 s.
    latest.ok("wait", "--for=condition=Ready", "pod/p", "--timeout=9s")


def test_a_failed_exec_liveness_probe_restarts_the_container(latest: Kubectl, create: Create) -> None:
    check = {"exec": {"command": ["cat", "/tmp/alive"]}, "periodSeconds": 1, "failureThreshold": 1}
    create(
        "p",
        "[ -e /v/again ] || { touch /tmp/alive /v/again; sleep 1; rm /tmp/alive; }; sleep 99",
        {"volumes": {"/v": {"emptyDir": {}}}},
        livenessProbe=check,
    )
    expect.until(
        lambda: status(latest, "p").get("containerStatuses", [{}])[0].get("restartCount"), timeout=40
    )
    told = events(latest, "p")
    assert "Normal Killing: Container main failed liveness probe, will be restarted" in told
    assert any("Warning Unhealthy: Liveness probe failed: cat: can't open" in each for each in told), told


def test_a_hanging_probe_is_killed_with_all_it_started(latest: Kubectl, create: Create) -> None:
    command = ["sh", "-c", "sleep 4321 & sleep 4321; echo"]
    check = {"exec": {"command": command}, "periodSeconds": 4, "timeoutSeconds": 1, "failureThreshold": 100}
    create(
        "p",
        "while :; do sleep .1; done",
        livenessProbe=check,
        readinessProbe={**check, "failureThreshold": 1},
    )
    text = (
        'Warning Unhealthy: Readiness probe failed: command "sh -c sleep 4321 & sleep 4321; echo" timed out'
    )
    expect.until(lambda: text in events(latest, "p"), what=text, timeout=40)

    def sleeping() -> int:
        return latest.ok("exec", "p", "--", "ps", "-o", "comm").count("sleep")

    # Two probes of two processes each may be at work, beside the main one; what was before is gone.
    expect.until(lambda: sleeping() > 1)
    assert max(sleeping() for _ in range(12)) <= 5
    expect.until(lambda: sleeping() <= 1, every=0.05, timeout=40)


def test_output_without_end_is_cut(latest: Kubectl, create: Create) -> None:
    check = {"exec": {"command": ["sh", "-c", "yes | head -c 3000000; exit 1"]}, "failureThreshold": 100}
    create(
        "p", "while :; do sleep .1; done", readinessProbe={**check, "periodSeconds": 1, "timeoutSeconds": 20}
    )
    found = expect.until(
        lambda: [each for each in events(latest, "p") if "Readiness probe failed: y" in each]
    )
    assert all(len(each) < 12_000 for each in found)


def test_the_startup_probe_holds_the_others_back(latest: Kubectl, create: Create) -> None:
    alive = {"tcpSocket": {"port": 8080}, "periodSeconds": 1, "failureThreshold": 1}
    started = {"exec": {"command": ["test", "-e", "/tmp/up"]}, "periodSeconds": 1, "failureThreshold": 60}
    create("p", f"mkdir /www; sleep 3; touch /tmp/up; {SERVE}", livenessProbe=alive, startupProbe=started)
    expect.until(lambda: "running" in status(latest, "p").get("containerStatuses", [{}])[0].get("state", {}))
    assert status(latest, "p")["containerStatuses"][0]["started"] is False
    ready(latest, "p")
    found = status(latest, "p")["containerStatuses"][0]
    assert (found["started"], found["restartCount"]) == (True, 0)


def test_a_sidecar_starts_the_others_when_its_startup_probe_passes(latest: Kubectl) -> None:
    pod = manifests.pod("p", command=["sh", "-c", "test -e /v/up && exec sleep infinity"])
    pod["spec"]["volumes"] = [{"name": "v", "emptyDir": {}}]
    mount = [{"name": "v", "mountPath": "/v"}]
    pod["spec"]["containers"][0]["volumeMounts"] = mount
    side = {
        "name": "side",
        "image": manifests.IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "restartPolicy": "Always",
        "command": ["sh", "-c", "sleep 1; touch /v/up; exec sleep infinity"],
        "volumeMounts": mount,
        "startupProbe": {"exec": {"command": ["test", "-e", "/v/up"]}, "periodSeconds": 1},
    }
    pod["spec"]["initContainers"] = [side]
    latest.ok("create", "-f", "-", stdin=manifests.text(pod))
    ready(latest, "p")
    found = status(latest, "p")
    assert found["containerStatuses"][0]["restartCount"] == 0
    assert found["initContainerStatuses"][0]["started"] is True


async def check_health(request: pb.HealthCheckRequest, _: Any) -> pb.HealthCheckResponse:
    serving = pb.HealthCheckResponse.ServingStatus
    status = serving.SERVING if request.service == "well" else serving.NOT_SERVING
    return pb.HealthCheckResponse(status=status)


async def serve_health(until: threading.Event, started: "queue.Queue[int]") -> None:
    method = grpc.unary_unary_rpc_method_handler(
        check_health,
        request_deserializer=pb.HealthCheckRequest.FromString,
        response_serializer=pb.HealthCheckResponse.SerializeToString,
    )
    server = grpc.aio.server()
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": method}),)
    )
    started.put(server.add_insecure_port("0.0.0.0:0"))
    await server.start()
    await asyncio.to_thread(until.wait)
    await server.stop(None)


@pytest.fixture
def health_port() -> Iterator[int]:
    """A server of gRPC's health protocol on this machine, which is well as `well` and as nothing else."""
    until = threading.Event()
    started: queue.Queue[int] = queue.Queue()
    thread = threading.Thread(target=lambda: asyncio.run(serve_health(until, started)))
    thread.start()
    yield started.get(timeout=10)
    until.set()
    thread.join()


def test_grpc_and_tcp_on_the_hosts_network(latest: Kubectl, create: Create, health_port: int) -> None:
    fields = {"spec": {"hostNetwork": True}}
    for name, service in (("well", "well"), ("sick", "other")):
        check = {"grpc": {"port": health_port, "service": service}, "periodSeconds": 1, "failureThreshold": 1}
        alive = {"tcpSocket": {"port": health_port}, "periodSeconds": 1}
        create(name, "sleep 99", **fields, readinessProbe=check, livenessProbe=alive)
    ready(latest, "well")
    text = 'Warning Unhealthy: Readiness probe failed: service unhealthy (responded with "NOT_SERVING")'
    expect.until(lambda: text in events(latest, "sick"), what=text)
    found = status(latest, "sick")["containerStatuses"][0]
    assert (found["ready"], found["restartCount"]) == (False, 0)
