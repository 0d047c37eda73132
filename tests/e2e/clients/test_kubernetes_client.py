"""The official Python client with its typed API: requests, answers and errors as its users meet them."""

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kubernetes import client, config, informer, utils, watch
from kubernetes.client.rest import ApiException
from kubernetes.leaderelection import electionconfig, leaderelection
from kubernetes.leaderelection.resourcelock.leaselock import LeaseLock
from kubernetes.stream import portforward, stream

from strongroom.testing import manifests

WAIT = 30.0


@pytest.fixture
def client_of(kubeconfig: str) -> Iterator[client.ApiClient]:
    with config.new_client_from_config(kubeconfig) as made:
        yield made


@pytest.fixture
def core(client_of: client.ApiClient) -> client.CoreV1Api:
    return client.CoreV1Api(client_of)


def meta(name: str, **fields: Any) -> client.V1ObjectMeta:
    return client.V1ObjectMeta(name=name, **fields)


def secret(name: str, **fields: Any) -> client.V1Secret:
    return client.V1Secret(metadata=meta(name, **fields), string_data={"k": "v"})


def test_the_life_of_a_secret(core: client.CoreV1Api, namespace: str) -> None:
    made = core.create_namespaced_secret(namespace, secret("a", labels={"tier": "gold"}))
    assert (made.type, made.data, made.string_data) == ("Opaque", {"k": "dg=="}, None)
    assert made.metadata.creation_timestamp.tzinfo is not None
    assert made.metadata.managed_fields[0].manager == "OpenAPI-Generator"
    made.data["more"] = base64.b64encode(b"x").decode()
    replaced = core.replace_namespaced_secret("a", namespace, made)
    assert core.read_namespaced_secret("a", namespace) == replaced
    everywhere = core.list_secret_for_all_namespaces(label_selector="tier=gold").items
    assert (namespace, "a") in [(item.metadata.namespace, item.metadata.name) for item in everywhere]
    core.delete_namespaced_secret("a", namespace, propagation_policy="Background")
    core.create_namespaced_secret(namespace, secret("dry"), dry_run="All")
    assert core.list_namespaced_secret(namespace).items == []


def test_kinds_of_patches(core: client.CoreV1Api, namespace: str) -> None:
    def patched(body: object, **options: Any) -> dict[str, str] | None:
        data: dict[str, str] | None = core.patch_namespaced_secret("a", namespace, body, **options).data
        return data

    core.create_namespaced_secret(namespace, secret("a"))
    assert patched({"data": {"m": "bQ=="}}) == {"k": "dg==", "m": "bQ=="}
    assert patched([{"op": "replace", "path": "/data/m", "value": "bg=="}]) == {"k": "dg==", "m": "bg=="}
    merge = "application/merge-patch+json"
    assert patched({"data": {"m": None}}, _content_type=merge) == {"k": "dg=="}
    applied = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": {"k": "eg=="}}
    apply = "application/apply-patch+yaml"
    with pytest.raises(ApiException) as refused:
        patched(applied, _content_type=apply, field_manager="me")
    assert json.loads(refused.value.body)["details"]["causes"] == [
        {
            "reason": "FieldManagerConflict",
            "message": 'conflict with "OpenAPI-Generator" using v1',
            "field": ".data.k",
        }
    ]
    assert patched(applied, _content_type=apply, field_manager="me", force=True) == {"k": "eg=="}


def test_errors(core: client.CoreV1Api, namespace: str) -> None:
    old = core.create_namespaced_secret(namespace, secret("a"))
    core.patch_namespaced_secret("a", namespace, {"data": {"m": "bQ=="}})
    tried: list[tuple[Callable[[], object], int, str, str]] = [
        (lambda: core.read_namespaced_secret("b", namespace), 404, "Not Found", "NotFound"),
        (lambda: core.create_namespaced_secret(namespace, secret("a")), 409, "Conflict", "AlreadyExists"),
        (lambda: core.replace_namespaced_secret("a", namespace, old), 409, "Conflict", "Conflict"),
        (
            lambda: core.create_namespaced_secret(namespace, secret("A_")),
            422,
            "Unprocessable Entity",
            "Invalid",
        ),
        (lambda: core.list_namespaced_secret(namespace, _continue="x"), 400, "Bad Request", "BadRequest"),
        (
            lambda: core.delete_namespaced_secret(
                "a", namespace, body=client.V1DeleteOptions(preconditions=client.V1Preconditions(uid="x"))
            ),
            409,
            "Conflict",
            "Conflict",
        ),
    ]
    for call, code, text, reason in tried:
        with pytest.raises(ApiException) as refused:
            call()
        body = json.loads(refused.value.body)
        assert (refused.value.status, refused.value.reason) == (code, text)
        assert (body["kind"], body["code"], body["reason"]) == ("Status", code, reason)


def test_who_has_no_token(core: client.CoreV1Api, namespace: str) -> None:
    core.api_client.configuration.api_key.clear()
    with pytest.raises(ApiException) as refused:
        core.read_namespaced_secret("a", namespace)
    assert refused.value.status == 401
    assert json.loads(refused.value.body)["reason"] == "Unauthorized"


def test_pages(core: client.CoreV1Api, namespace: str) -> None:
    for number in range(7):
        core.create_namespaced_secret(namespace, secret(f"s{number}"))
    page = core.list_namespaced_secret(namespace, limit=3)
    assert page.metadata.remaining_item_count == 4
    first = page.metadata.resource_version
    core.create_namespaced_secret(namespace, secret("s9"))
    names = [item.metadata.name for item in page.items]
    while page.metadata._continue:
        page = core.list_namespaced_secret(namespace, limit=3, _continue=page.metadata._continue)
        assert page.metadata.resource_version == first
        names += [item.metadata.name for item in page.items]
    assert names == [f"s{number}" for number in range(7)]
    core.delete_collection_namespaced_secret(namespace)
    assert core.list_namespaced_secret(namespace).items == []


def test_watch(core: client.CoreV1Api, namespace: str) -> None:
    core.create_namespaced_secret(namespace, secret("a"))
    seen = []
    events = watch.Watch()
    for event in events.stream(core.list_namespaced_secret, namespace, timeout_seconds=20):
        seen.append((event["type"], event["object"].metadata.name))
        if seen == [("ADDED", "a")]:
            core.patch_namespaced_secret("a", namespace, {"data": {"m": "bQ=="}})
            core.create_namespaced_secret(namespace, secret("b"))
            core.delete_namespaced_secret("a", namespace)
        if event["type"] == "DELETED":
            events.stop()
    assert seen == [("ADDED", "a"), ("MODIFIED", "a"), ("ADDED", "b"), ("DELETED", "a")]


def test_informer(core: client.CoreV1Api, namespace: str) -> None:
    core.create_namespaced_secret(namespace, secret("a", labels={"tier": "gold"}))
    happened: list[tuple[str, str]] = []
    news = threading.Condition()

    def heard(kind: str, obj: Any) -> None:
        with news:
            happened.append((kind, obj.metadata.name))
            news.notify()

    def wait(*expected: tuple[str, str]) -> None:
        with news:
            assert news.wait_for(lambda: happened == list(expected), WAIT), happened

    shared = informer.SharedInformer(core.list_namespaced_secret, namespace, label_selector="tier=gold")
    for kind in ("ADDED", "MODIFIED", "DELETED", "ERROR"):
        shared.add_event_handler(kind, lambda obj, kind=kind: heard(kind, obj))
    shared.start()
    try:
        wait(("ADDED", "a"))
        core.create_namespaced_secret(namespace, secret("b"))
        core.patch_namespaced_secret("b", namespace, {"metadata": {"labels": {"tier": "gold"}}})
        wait(("ADDED", "a"), ("ADDED", "b"))
        core.patch_namespaced_secret("a", namespace, {"metadata": {"labels": {"tier": None}}})
        wait(("ADDED", "a"), ("ADDED", "b"), ("DELETED", "a"))
        assert shared.cache.list_keys() == [f"{namespace}/b"]
    finally:
        # The informer's thread reads until an event tells it that it was stopped.
        stopping = threading.Thread(target=shared.stop)
        stopping.start()
        while stopping.is_alive():
            core.patch_namespaced_secret("b", namespace, {"data": {"t": _now()}})
            stopping.join(0.1)


def _now() -> str:
    return base64.b64encode(str(time.monotonic_ns()).encode()).decode()


def test_other_kinds(client_of: client.ApiClient, core: client.CoreV1Api, namespace: str) -> None:
    apps = client.AppsV1Api(client_of)
    template = client.V1PodTemplateSpec(
        metadata=client.V1ObjectMeta(labels={"app": "d"}),
        spec=client.V1PodSpec(containers=[client.V1Container(name="c", image="nginx:1.17.1")]),
    )
    selector = client.V1LabelSelector(match_labels={"app": "d"})
    spec = client.V1DeploymentSpec(replicas=0, selector=selector, template=template)
    made = apps.create_namespaced_deployment(namespace, client.V1Deployment(metadata=meta("d"), spec=spec))
    assert made.spec.strategy.rolling_update.max_surge == "25%"
    assert made.spec.template.spec.containers[0].image_pull_policy == "IfNotPresent"
    scale = apps.patch_namespaced_deployment_scale("d", namespace, {"spec": {"replicas": 0}})
    assert scale.status.selector == "app=d"

    rbac = client.RbacAuthorizationV1Api(client_of)
    rule = client.V1PolicyRule(api_groups=[""], resources=["secrets"], verbs=["get"])
    role = rbac.create_namespaced_role(namespace, client.V1Role(metadata=meta("r"), rules=[rule]))
    assert role.rules == [rule]

    token = core.create_namespaced_service_account_token(
        "default",
        namespace,
        client.AuthenticationV1TokenRequest(spec=client.V1TokenRequestSpec(audiences=["x"])),
    )
    assert token.status.token.count(".") == 2
    review = client.AuthorizationV1Api(client_of).create_self_subject_access_review(
        client.V1SelfSubjectAccessReview(
            spec=client.V1SelfSubjectAccessReviewSpec(
                resource_attributes=client.V1ResourceAttributes(verb="get", resource="secrets")
            )
        )
    )
    assert review.status.allowed
    created = utils.create_from_dict(client_of, manifests.secret("u", {"k": "v"}), namespace=namespace)
    assert created[0].metadata.name == "u"
    assert client.VersionApi(client_of).get_code().minor == "36"


def test_leader_election_on_a_lease(
    client_of: client.ApiClient, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    coordination = client.CoordinationV1Api(client_of)
    monkeypatch.setattr(client, "CoordinationV1Api", lambda *_: coordination)
    elections = [
        leaderelection.LeaderElection(
            electionconfig.Config(
                LeaseLock("leader", namespace, candidate),
                lease_duration=5,
                renew_deadline=4,
                retry_period=1,
                onstarted_leading=lambda: None,
                onstopped_leading=lambda: None,
            )
        )
        for candidate in ("first", "second")
    ]
    assert [election.try_acquire_or_renew() for election in elections] == [True, False]
    held = coordination.read_namespaced_lease("leader", namespace).spec
    assert (held.holder_identity, held.lease_duration_seconds) == ("first", 5)
    assert elections[0].try_acquire_or_renew()
    assert coordination.read_namespaced_lease("leader", namespace).spec.renew_time > held.renew_time


@pytest.fixture
def pod(core: client.CoreV1Api, namespace: str) -> str:
    """The name of a running Pod that answers HTTP on port 80."""
    core.create_namespaced_pod(namespace, manifests.pod("p"))
    for event in watch.Watch().stream(core.list_namespaced_pod, namespace, timeout_seconds=40):
        conditions = event["object"].status.conditions or []
        if ("Ready", "True") in [(entry.type, entry.status) for entry in conditions]:
            break
    return "p"


STREAMS = {"stdout": True, "stderr": True, "stdin": False, "tty": False}


def test_exec(core: client.CoreV1Api, namespace: str, pod: str) -> None:
    call = core.connect_get_namespaced_pod_exec
    assert stream(call, pod, namespace, command=["echo", "hello"], **STREAMS) == "hello\n"
    shell = stream(
        call, pod, namespace, command=["sh"], **(STREAMS | {"stdin": True}), _preload_content=False
    )
    shell.write_stdin("echo out; echo err >&2; exit 7\n")
    shell.run_forever(WAIT)
    assert (shell.read_stdout(), shell.read_stderr(), shell.returncode) == ("out\n", "err\n", 7)
    shell.close()
    with pytest.raises(ApiException) as missing:
        stream(call, "q", namespace, command=["ls"], **STREAMS)
    assert "Handshake status 404 Not Found" in missing.value.reason
    assert 'pods \\"q\\" not found' in missing.value.reason
    assert core.read_namespaced_pod_log(pod, namespace).startswith("nginx: ")


def test_port_forward(core: client.CoreV1Api, namespace: str, pod: str) -> None:
    listening = "until wget -q -O /dev/null 127.0.0.1; do sleep 0.1; done"
    stream(core.connect_get_namespaced_pod_exec, pod, namespace, command=["sh", "-c", listening], **STREAMS)
    forward = portforward(core.connect_get_namespaced_pod_portforward, pod, namespace, ports="80")
    connection = forward.socket(80)
    connection.settimeout(WAIT)
    connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
    received = b""
    while piece := connection.recv(65536):
        received += piece
    assert b" 200 OK\r\n" in received
    assert forward.error(80) is None
    connection.close()
