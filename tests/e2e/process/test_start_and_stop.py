"""The command contract of `strongroom up`: ready line, files, signals, exit codes."""

import os
import re
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from strongroom.testing import expect, ports
from strongroom.testing.api import API, Access
from strongroom.testing.cluster import PROGRAM, READY, Cluster

Make = Callable[..., Cluster]
METRICS = Path(__file__).with_name("metrics_of_kubernetes.txt")


def run(*arguments: str | Path, env: dict[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [PROGRAM, *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={**os.environ, **(env or {})},
    )


def test_ready_line_kubeconfig_and_health(make: Make) -> None:
    cluster = make(node=False)
    cluster.start()
    lines = [line for line in cluster.output.read_text().splitlines() if line.startswith(READY)]
    assert len(lines) == 1
    assert cluster.url in lines[0]
    assert stat.S_IMODE(cluster.kubeconfig.stat().st_mode) == 0o600
    assert stat.S_IMODE(cluster.data_dir.stat().st_mode) == 0o700
    with API(Access.read(cluster.kubeconfig)) as api:
        for path in ("/livez", "/readyz", "/healthz"):
            reply = api.request("GET", path)
            assert (reply.status, reply.body) == (200, b"ok")
        assert api.ok("GET", "/version")["major"] == "1"
    assert cluster.stop() == 0
    assert "Traceback" not in cluster.output.read_text()


def test_interrupt_stops_too(make: Make) -> None:
    cluster = make(node=False)
    cluster.start()
    assert cluster.process is not None
    cluster.process.send_signal(2)
    assert cluster.process.wait(15) == 0
    assert "Traceback" not in cluster.output.read_text()


def test_an_open_watch_does_not_hold_up_the_end(make: Make) -> None:
    cluster = make(node=False)
    cluster.start()
    access = Access.read(cluster.kubeconfig)
    with API(access) as watcher, API(access) as api:
        api.ok("POST", "/api/v1/namespaces/default/secrets", {"metadata": {"name": "a"}})
        connection = watcher._connection
        connection.request("GET", "/api/v1/secrets?watch=1", headers=access.headers)
        with connection.getresponse() as stream:
            assert b'"ADDED"' in stream.readline()
            assert cluster.stop(timeout=10) == 0
            stream.read()


def test_kubectl_watch_over_http2_ends_without_an_error(make: Make) -> None:
    cluster = make(node=False)
    cluster.start()
    with API(Access.read(cluster.kubeconfig)) as api:
        api.ok("POST", "/api/v1/namespaces/default/secrets", {"metadata": {"name": "a"}})
    with subprocess.Popen(
        [str(PROGRAM.parent / "kubectl"), "--kubeconfig", cluster.kubeconfig, "get", "secrets", "-w"],
        env={**os.environ, "HOME": str(cluster.directory)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as watching:
        assert watching.stdout is not None
        assert watching.stdout.readline().startswith("NAME")
        assert watching.stdout.readline().startswith("a ")
        # What is listed is printed before the watch is open; what comes after it has come through the watch.
        with API(Access.read(cluster.kubeconfig)) as api:
            api.ok("POST", "/api/v1/namespaces/default/secrets", {"metadata": {"name": "b"}})
        assert watching.stdout.readline().startswith("b ")
        assert cluster.stop(timeout=10) == 0
        assert watching.wait(10) == 0
        assert watching.stdout.read().strip() == ""


def test_metrics_for_prometheus_under_the_names_of_kubernetes(make: Make) -> None:
    cluster = make(node=False)
    cluster.start()
    kubectl = [str(PROGRAM.parent / "kubectl"), "--kubeconfig", str(cluster.kubeconfig)]
    for made in (
        ["ns", "canary"],
        ["secret", "generic", "canary", "-ncanary", "--from-literal=canary=canary"],
    ):
        subprocess.run([*kubectl, "create", *made], check=True, capture_output=True, timeout=30)
    text = subprocess.run(
        [*kubectl, "get", "--raw", "/metrics"], capture_output=True, text=True, check=True, timeout=30
    ).stdout
    found = {
        family.name: (family.type, {label for s in family.samples for label in s.labels if label != "le"})
        for family in text_string_to_metric_families(text)
    }
    for line in METRICS.read_text().splitlines()[1:]:
        name, kind, *labels = line.split()
        # The parser takes the end off a counter's name.
        shown = name.removesuffix("_total") if kind == "counter" else name
        assert found.get(shown) == (kind, set(labels[0].split(",")) if labels else set()), name
    assert "canary" not in text
    assert re.search(r'^workqueue_adds_total{name="serviceaccount"} [1-9]', text, re.MULTILINE)
    assert re.search(
        r'^etcd_requests_total{.*operation="create",resource="namespaces"} 5.0$', text, re.MULTILINE
    )
    sealed = (
        r'resource="secrets",status="OK",transformation_type="to_storage",transformer_prefix="k8s:enc:kms:v2:'
    )
    assert re.search(
        rf"^apiserver_storage_transformation_operations_total{{{sealed}.*}} 1.0$", text, re.MULTILINE
    )
    assert re.search(r"^apiserver_storage_size_bytes{.*} [1-9]", text, re.MULTILINE)
    assert cluster.stop() == 0


def test_what_was_written_is_there_after_a_restart(make: Make) -> None:
    cluster = make(node=False)
    cluster.start()
    path = "/api/v1/namespaces/default/secrets"
    with API(Access.read(cluster.kubeconfig)) as api:
        before = api.ok("POST", path, {"metadata": {"name": "a"}, "data": {"k": "dg=="}})
    kubeconfig = cluster.kubeconfig.read_text()
    assert cluster.stop() == 0
    cluster.start()
    assert cluster.kubeconfig.read_text() == kubeconfig
    with API(Access.read(cluster.kubeconfig)) as api:
        assert api.ok("GET", f"{path}/a") == before
    assert cluster.stop() == 0


def test_a_kubeconfig_keeps_its_other_contexts(make: Make) -> None:
    cluster = make(node=False)
    other = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "work", "cluster": {"server": "https://work.example"}}],
        "users": [{"name": "me", "user": {"token": "mine"}}],
        "contexts": [{"name": "work", "context": {"cluster": "work", "user": "me", "namespace": "team"}}],
        "current-context": "work",
        "preferences": {},
    }
    cluster.kubeconfig.parent.mkdir(parents=True)
    cluster.kubeconfig.write_text(yaml.safe_dump(other))
    cluster.start()
    merged = yaml.safe_load(cluster.kubeconfig.read_text())
    for section in ("clusters", "users", "contexts"):
        assert other[section][0] in merged[section]  # type: ignore[index]
        assert len(merged[section]) == 2
    assert stat.S_IMODE(cluster.kubeconfig.stat().st_mode) == 0o600
    assert cluster.stop() == 0


def test_without_containerd_the_api_runs_and_one_line_says_what_is_missing(make: Make) -> None:
    hidden = 'mount --bind /dev/null "$(command -v containerd)" && exec "$@"'
    cluster = make(wrapper=["unshare", "--mount", "sh", "-c", hidden, "sh"])
    cluster.start()
    line = "no node on this machine: not installed: containerd (on Debian: apt-get install containerd)"
    expect.until(lambda: line in cluster.output.read_text(), what=line)
    assert cluster.output.read_text().count("no node") == 1
    with API(Access.read(cluster.kubeconfig)) as api:
        assert api.ok("GET", "/api/v1/nodes")["items"] == []
        api.ok("POST", "/api/v1/namespaces/default/secrets", {"metadata": {"name": "a"}})
    assert cluster.stop() == 0


def test_a_second_one_on_the_same_data_is_refused(make: Make) -> None:
    cluster = make(node=False)
    cluster.start()
    second = run(
        "up", "--no-node", "--data-dir", cluster.data_dir, "--listen", f"127.0.0.1:{ports.free_port()}"
    )
    assert second.returncode == 1
    assert second.stdout == ""
    assert len(second.stderr.splitlines()) == 1
    assert str(cluster.data_dir) in second.stderr and "in use" in second.stderr
    with API(Access.read(cluster.kubeconfig)) as api:
        assert api.request("GET", "/readyz").status == 200
    assert cluster.stop() == 0


def test_a_port_in_use_is_named(make: Make, tmp_path: Path) -> None:
    cluster = make(node=False)
    cluster.start()
    listen = f"127.0.0.1:{cluster.port}"
    second = run(
        "up",
        "--no-node",
        "--data-dir",
        tmp_path / "other",
        "--listen",
        listen,
        "--kubeconfig",
        tmp_path / "k",
    )
    assert second.returncode == 1
    assert len(second.stderr.splitlines()) == 1 and listen in second.stderr
    assert cluster.stop() == 0


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--nonsense"], "--nonsense"),
        (["--listen", "here"], "--listen"),
        (["--listen", "127.0.0.1:99999"], "--listen"),
        (["--store", "paper"], "--store"),
        (["--node-name", "Not_A_Name"], "--node-name"),
        (["--max-requests-inflight", "-1"], "--max-requests-inflight"),
        (["--config", "/no/such/file"], "/no/such/file"),
        (["--runtime-endpoint", "tcp://x"], "--runtime-endpoint"),
        (["surplus"], "surplus"),
    ],
)
def test_a_bad_flag_is_named_in_one_line(tmp_path: Path, arguments: list[str], named: str) -> None:
    refused = run("up", "--data-dir", tmp_path / "data", *arguments)
    assert refused.returncode == 2, refused
    assert refused.stdout == ""
    assert len(refused.stderr.splitlines()) == 1, refused.stderr
    assert named in refused.stderr
    assert not (tmp_path / "data").exists()


def test_a_bad_variable_or_file_is_named_in_one_line(tmp_path: Path) -> None:
    refused = run("up", "--data-dir", tmp_path / "data", env={"STRONGROOM_LISTEN": "here"})
    assert (refused.returncode, len(refused.stderr.splitlines())) == (2, 1)
    file = tmp_path / "config.yaml"
    for text in ("colour: blue\n", "listen: [\n", "- a\n"):
        file.write_text(text)
        refused = run("up", "--data-dir", tmp_path / "data", "--config", file)
        assert (refused.returncode, len(refused.stderr.splitlines())) == (2, 1), refused.stderr
        assert str(file) in refused.stderr
