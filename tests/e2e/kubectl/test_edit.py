"""`kubectl edit` with an editor that is a script."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from strongroom.testing import manifests
from strongroom.testing.kubectl import Kubectl, Result

newest = pytest.mark.parametrize("kubectl", ["kubectl-1.37"], indirect=True)
"""Where the version of kubectl makes no difference."""


@pytest.fixture
def one(kubectl: Kubectl) -> Kubectl:
    """A namespace that holds the secret `a` with k=v."""
    kubectl.ok("create", "secret", "generic", "a", "--from-literal=k=v")
    return kubectl


def stored(kubectl: Kubectl, what: str = "secret/a") -> Any:
    return json.loads(kubectl.ok("get", what, "-ojson"))


def edit(kubectl: Kubectl, folder: Path, script: str, *what: str, variable: str = "KUBE_EDITOR") -> Result:
    """Run `kubectl edit`; the editor is sed with a script. kubectl's own files lie in `folder`/files."""
    (folder / "script").write_text(script)
    files = folder / "files"
    files.mkdir(exist_ok=True)
    return kubectl("edit", *what, env={variable: f"sed -i -f {folder / 'script'}", "TMPDIR": str(files)})


def told(done: Result) -> str:
    """The file in which a refused change was left, with the reason on top."""
    [name] = re.findall(r'A copy of your changes has been stored to "(.*)"', done.stderr)
    return Path(name).read_text()


def test_a_change_is_a_patch(one: Kubectl, tmp_path: Path) -> None:
    before = stored(one)["metadata"]
    done = edit(one, tmp_path, "s/dg==/bmV3/", "secret", "a")
    assert (done.code, done.stdout, done.stderr) == (0, "secret/a edited\n", "")
    after = stored(one)
    assert after["data"] == {"k": "bmV3"}
    assert after["metadata"]["uid"] == before["uid"]
    assert list((tmp_path / "files").iterdir()) == [], "nothing of the Secret stays in a file"


def test_no_change(one: Kubectl, tmp_path: Path) -> None:
    done = edit(one, tmp_path, "s/nothing/else/", "secret", "a", variable="EDITOR")
    assert done.code == 0
    assert "Edit cancelled, no changes made." in done.stdout + done.stderr


def test_a_change_that_is_refused_is_told_in_the_file(one: Kubectl, tmp_path: Path) -> None:
    before = stored(one)
    done = edit(one, tmp_path, "s,Opaque,kubernetes.io/tls,", "secret", "a")
    assert done.code == 1
    assert 'secrets "a" is invalid' in done.stderr
    assert "Edit cancelled, no valid changes were saved." in done.stderr
    text = told(done)
    assert '# secrets "a" was not valid:' in text
    assert '# * type: Invalid value: "kubernetes.io/tls": field is immutable' in text
    assert stored(one) == before


@newest
def test_an_unknown_field_is_told_in_the_file(one: Kubectl, tmp_path: Path) -> None:
    done = edit(one, tmp_path, "s/^data:/dta:/", "secret", "a")
    assert done.code == 1
    assert 'strict decoding error: unknown field "dta"' in told(done)
    assert stored(one)["data"] == {"k": "dg=="}


@newest
def test_an_editor_that_fails(one: Kubectl, tmp_path: Path) -> None:
    done = one("edit", "secret", "a", env={"KUBE_EDITOR": "false", "TMPDIR": str(tmp_path)})
    assert (done.code, done.stderr) == (1, 'error: there was a problem with the editor "false"\n')
    assert stored(one)["data"] == {"k": "dg=="}


def test_several_objects_and_a_subresource(one: Kubectl, tmp_path: Path) -> None:
    one.ok("create", "configmap", "c", "--from-literal=k=v")
    label = r"s/^\( *\)uid:/\1labels:\n\1  app: web\n&/"
    done = edit(one, tmp_path, label, "secret/a", "configmap/c")
    assert (done.code, sorted(done.stdout.splitlines())) == (0, ["configmap/c edited", "secret/a edited"])
    assert stored(one)["metadata"]["labels"] == {"app": "web"}
    assert stored(one, "configmap/c")["metadata"]["labels"] == {"app": "web"}
    pod = manifests.pod("p", nodeName="nowhere")
    one.ok("create", "-f", "-", stdin=manifests.text(pod))
    report = "s/^  phase: Pending/&\\n  message: edited/"
    done = edit(one, tmp_path, report, "pod", "p", "--subresource=status")
    assert (done.code, done.stdout) == (0, "pod/p edited\n"), str(done)
    assert stored(one, "pod/p")["status"]["message"] == "edited"
