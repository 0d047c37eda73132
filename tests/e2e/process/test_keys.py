"""`strongroom keys` on a server that runs, is killed in the middle, and has lost its keyring."""

import base64
import json
import os
import pty
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from strongroom.testing import expect
from strongroom.testing.api import API, Access
from strongroom.testing.cluster import PROGRAM, Cluster, StartFailed

Make = Callable[..., Cluster]

PATH = "/api/v1/namespaces/default/secrets"


def keys(cluster: Cluster, *arguments: str, code: int = 0) -> Any:
    """What `strongroom keys … -o json` says."""
    done = command(cluster, *arguments, "-o", "json")
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout) if done.stdout else done.stderr


def command(cluster: Cluster, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [PROGRAM, "keys", *arguments, "--data-dir", cluster.data_dir],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def fill(cluster: Cluster, count: int) -> dict[str, str]:
    """Secrets, some of which were changed: name -> value in base64."""
    values = {f"s{number}": base64.b64encode(f"value {number}".encode()).decode() for number in range(count)}
    with API(Access.read(cluster.kubeconfig)) as api:
        for number, (name, value) in enumerate(values.items()):
            old = value if number % 3 else ""
            api.ok("POST", PATH, {"metadata": {"name": name}, "data": {"k": old}})
            if not number % 3:
                api.ok("PUT", f"{PATH}/{name}", {"metadata": {"name": name}, "data": {"k": value}})
    return values


def stored(cluster: Cluster) -> dict[str, str]:
    with API(Access.read(cluster.kubeconfig)) as api:
        return {each["metadata"]["name"]: each["data"]["k"] for each in api.ok("GET", PATH)["items"]}


def test_everything_is_under_the_new_key_while_others_write(make: Make) -> None:
    cluster = make(node=False)
    cluster.start()
    values = fill(cluster, 300)
    old = keys(cluster, "status")["keys"][0]["key"]
    writing = threading.Event()
    written: list[str] = []

    def write() -> None:
        with API(Access.read(cluster.kubeconfig)) as api:
            while not writing.is_set():
                name = f"w{len(written)}"
                api.ok("POST", PATH, {"metadata": {"name": name}, "data": {"k": "eA=="}})
                written.append(name)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        rotated = keys(cluster, "rotate")
    finally:
        writing.set()
        thread.join()
    assert rotated["newKey"] and rotated["key"] != old
    assert rotated["underOlderKeys"] == rotated["unreadable"] == 0
    assert rotated["rewritten"] >= 300
    status = {each["key"]: each for each in keys(cluster, "status")["keys"]}
    assert (status[old]["state"], status[old]["values"]) == ("old", 0)
    assert status[rotated["key"]]["state"] == "current"
    proof = keys(cluster, "verify", "--scrub", "--remove-unused")
    assert proof["proven"] and proof["removedKeys"] == [old]
    assert stored(cluster) == values | dict.fromkeys(written, "eA==")
    cluster.kill9()
    cluster.start()
    assert stored(cluster) == values | dict.fromkeys(written, "eA==")
    assert cluster.stop() == 0
    assert keys(cluster, "verify")["proven"], "without a server too"
    assert not list((cluster.data_dir / "store").glob(".verify*"))


def test_a_rotation_that_was_killed_goes_on_with_the_same_key(make: Make) -> None:
    cluster = make(node=False)
    cluster.start()
    values = fill(cluster, 600)
    old = keys(cluster, "status")["keys"][0]["key"]
    keyring = cluster.data_dir / "keys" / "keyring.json"
    before = keyring.read_bytes()
    process = subprocess.Popen(
        [PROGRAM, "keys", "rotate", "--data-dir", cluster.data_dir],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    expect.until(lambda: keyring.read_bytes() != before, every=0.001, what="the new key")
    cluster.kill9()
    assert process.wait(30) == 1
    assert process.stderr is not None
    assert "run the command again" in process.stderr.read()
    process.stderr.close()
    new = json.loads(keyring.read_text())["keys"][0]["id"]
    assert new != old

    # Without the server, and killed again as soon as it tells a terminal that it is at it; then to the end.
    shown, terminal = pty.openpty()
    second = subprocess.Popen(
        [PROGRAM, "keys", "rotate", "--data-dir", cluster.data_dir],
        stderr=terminal,
        start_new_session=True,
    )
    assert os.read(shown, 100).strip().startswith(b"encrypting: 0 of ")
    os.killpg(second.pid, signal.SIGKILL)
    assert second.wait() == -signal.SIGKILL
    os.close(shown)
    os.close(terminal)
    cluster.start()
    rotated = keys(cluster, "rotate")
    assert rotated["key"] == new and rotated["underOlderKeys"] == 0
    proof = keys(cluster, "verify", "--scrub")
    assert proof["proven"] and set(proof["keys"]) == {f"kms/strongroom/{new}"}
    assert stored(cluster) == values
    assert cluster.stop() == 0


def test_verify_finds_what_is_not_as_it_should_be(make: Make) -> None:
    cluster = make(node=False)
    cluster.start()
    fill(cluster, 3)
    assert cluster.stop() == 0
    copy = cluster.data_dir / "store" / "old-copy"
    shutil.copy(cluster.data_dir / "store" / "strongroom.db", copy)
    old = keys(cluster, "status")["keys"][0]["key"]
    keys(cluster, "rotate")
    found = keys(cluster, "verify", code=1)
    assert found["traces"] == [f'old-copy: bytes of a value under key "{old}"']
    copy.write_bytes(b'xx{"kind":"Secret","apiVersion":"v1",')
    assert keys(cluster, "verify", code=1)["traces"] == ["old-copy: bytes of a plain Secret"]
    copy.unlink()
    assert keys(cluster, "verify")["proven"]


def test_a_start_without_the_right_key_names_it_and_writes_nothing(make: Make) -> None:
    cluster = make(node=False)
    cluster.start()
    values = fill(cluster, 3)
    key = keys(cluster, "status")["keys"][0]["key"]
    assert cluster.stop() == 0
    keyring = cluster.data_dir / "keys" / "keyring.json"
    whole = keyring.read_text()
    database = cluster.data_dir / "store" / "strongroom.db"
    content = database.read_bytes()
    missing = json.loads(whole)
    missing["keys"][0]["id"] = "another"
    other = json.loads(whole)
    other["keys"][0]["key"] = base64.b64encode(bytes(32)).decode()
    for text in (None, json.dumps(missing), json.dumps(other)):
        if text is None:
            keyring.unlink()
        else:
            keyring.write_text(text)
            keyring.chmod(0o600)
        with pytest.raises(StartFailed) as failed:
            cluster.start()
        lines = str(failed.value).splitlines()
        assert lines[0].startswith("exited with 1") and key in lines[-1], failed.value
        assert len([line for line in lines if "strongroom: error" in line]) == 1, failed.value
        assert database.read_bytes() == content
        assert keyring.exists() == (text is not None)
    keyring.write_text(whole)
    keyring.chmod(0o600)
    cluster.start()
    assert stored(cluster) == values
    assert cluster.stop() == 0


def test_a_sealed_keyring_opens_with_the_passphrase_of_a_private_file(make: Make, tmp_path: Path) -> None:
    phrase = tmp_path / "phrase"
    phrase.write_text("correct horse\n")
    phrase.chmod(0o600)
    cluster = make(node=False, flags=["--passphrase-file", str(phrase)])
    cluster.start()
    values = fill(cluster, 3)
    assert "sealed" in json.loads((cluster.data_dir / "keys" / "keyring.json").read_text())
    assert keys(cluster, "rotate", "--passphrase-file", str(phrase))["newKey"]
    assert cluster.stop() == 0
    refused = command(cluster, "status")
    assert refused.returncode == 1 and "--passphrase-file" in refused.stderr
    phrase.write_text("wrong\n")
    with pytest.raises(StartFailed, match="passphrase is not the one"):
        cluster.start()
    phrase.write_text("correct horse\n")
    cluster.start()
    assert stored(cluster) == values
    assert cluster.stop() == 0


def test_a_credential_of_systemd_goes_before_the_file(make: Make, tmp_path: Path) -> None:
    handed = tmp_path / "credentials"
    handed.mkdir()
    key = {"id": "handed", "key": base64.b64encode(bytes(range(32))).decode()}
    (handed / "strongroom-keyring").write_text(json.dumps({"keys": [key]}))
    cluster = make(node=False, environment={"CREDENTIALS_DIRECTORY": str(handed)})
    cluster.start()
    fill(cluster, 2)
    assert not (cluster.data_dir / "keys" / "keyring.json").exists()
    refused = command(cluster, "rotate")
    assert refused.returncode == 1 and "handed to the service" in refused.stderr
    assert cluster.stop() == 0
