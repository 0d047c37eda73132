"""An operator as its author would write it: it keeps, for each Secret labelled `mirror`, a ConfigMap that
names the Secret's keys, and says on standard output what it was told. Run by kopf's own command."""

import sys
from typing import Any

import kopf
from kubernetes import client, config

config.load_kube_config()
core = client.CoreV1Api()


@kopf.on.startup()
def settle(settings: kopf.OperatorSettings, **_: Any) -> None:
    settings.persistence.finalizer = "tests.example/operator"
    settings.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix="tests.example")
    settings.persistence.diffbase_storage = kopf.AnnotationsDiffBaseStorage(prefix="tests.example")


def tell(happened: str, name: str, **more: Any) -> None:
    words = ["TOLD", happened, name, *(f"{key}={value}" for key, value in more.items())]
    sys.stdout.write(f"{' '.join(words)}\n")
    sys.stdout.flush()


@kopf.on.create("v1", "secrets", labels={"mirror": "yes"})
def created(name: str, namespace: str, body: kopf.Body, patch: kopf.Patch, **_: Any) -> None:
    mirror = {"metadata": {"name": name}, "data": dict.fromkeys(body.get("data", {}), "")}
    kopf.adopt(mirror)
    core.create_namespaced_config_map(namespace, mirror)
    patch.metadata.annotations["tests.example/mirrored-as"] = name
    kopf.info(body, reason="Mirrored", message="its keys are in a ConfigMap")
    tell("created", name)


@kopf.on.update("v1", "secrets", labels={"mirror": "yes"}, field="data")
def updated(name: str, namespace: str, diff: kopf.Diff, body: kopf.Body, **_: Any) -> None:
    core.patch_namespaced_config_map(name, namespace, {"data": dict.fromkeys(body["data"], "")})
    tell("updated", name, changed=",".join(operation for operation, *_ in diff))


@kopf.on.delete("v1", "secrets", labels={"mirror": "yes"})
def deleted(name: str, retry: int, **_: Any) -> None:
    if retry == 0:
        raise kopf.TemporaryError("once more", delay=0.1)
    tell("deleted", name, retry=retry)


@kopf.on.event("v1", "secrets", labels={"mirror": "yes"})
def seen(name: str, event: dict[str, Any], **_: Any) -> None:
    tell("event", name, type=event["type"])
