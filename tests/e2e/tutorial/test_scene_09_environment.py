"""Scene 9: keys of a Secret as environment variables, one by one and all at once with a prefix."""

from pathlib import Path

from strongroom.testing.kubectl import Kubectl

SECRET = """\
apiVersion: v1
kind: Secret
metadata:
  name: secre-hello
type: Opaque
stringData:
  user: admin
  password: hello123
"""
POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: my-pod-demo1
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: my-pod-demo1
    image: nginx:latest
    env:
    - name: USER
      valueFrom:
        secretKeyRef:
          name: secre-hello
          key: user
"""
POD_ENV_FROM = """\
apiVersion: v1
kind: Pod
metadata:
  name: my-pod-demo2
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: my-pod-demo2
    image: nginx:latest
    envFrom:
    - prefix: New
      secretRef:
        name: secre-hello
"""
FILTER = 'env | egrep -i "(user|pass)"'


def start(kubectl: Kubectl, folder: Path, name: str, manifest: str) -> None:
    file = folder / "scene.yaml"
    file.write_text(SECRET + "---\n" + manifest)
    kubectl.ok("apply", "-f", file)
    kubectl.ok("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=40s")


def test_one_key_as_a_variable_in_an_interactive_shell(kubectl: Kubectl, tmp_path: Path) -> None:
    start(kubectl, tmp_path, "my-pod-demo1", POD)
    session = kubectl.on_terminal(
        ["exec", "-it", "my-pod-demo1", "--", "/bin/bash"], typed=f"{FILTER}\nexit\n"
    )
    assert session.code == 0, str(session)
    assert "USER=admin" in session.stdout.splitlines()
    assert "hello123" not in session.stdout


def test_all_keys_with_a_prefix(kubectl: Kubectl, tmp_path: Path) -> None:
    start(kubectl, tmp_path, "my-pod-demo2", POD_ENV_FROM)
    shown = kubectl.ok("exec", "my-pod-demo2", "--", "/bin/bash", "-c", FILTER)
    assert sorted(shown.splitlines()) == ["Newpassword=hello123", "Newuser=admin"]
