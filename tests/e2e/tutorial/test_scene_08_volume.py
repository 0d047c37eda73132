"""Scene 8: a TLS Secret as a volume in a Pod."""

from pathlib import Path

from strongroom.testing.kubectl import Kubectl

POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: my-pod-demo
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: my-pod-demo
    image: nginx:latest
    volumeMounts:
    - name: nginx-tls
      mountPath: /etc/nginx/ssl
      readOnly: true
  volumes:
  - name: nginx-tls
    secret:
      secretName: nginx-tls-secret
"""


def test_mounted_keys_are_files(kubectl: Kubectl, certificate: tuple[Path, Path], tmp_path: Path) -> None:
    key, cert = certificate
    created = kubectl.ok("create", "secret", "tls", "nginx-tls-secret", f"--key={key}", f"--cert={cert}")
    assert created == "secret/nginx-tls-secret created\n"
    file = tmp_path / "pod.yaml"
    file.write_text(POD)
    assert kubectl.ok("apply", "-f", file) == "pod/my-pod-demo created\n"
    kubectl.ok("wait", "--for=condition=Ready", "pod/my-pod-demo", "--timeout=40s")

    listed = kubectl.on_terminal(["exec", "-it", "my-pod-demo", "--", "ls", "/etc/nginx/ssl"])
    assert listed.code == 0, str(listed)
    assert listed.stdout.split() == ["tls.crt", "tls.key"]
    for name, source in (("tls.crt", cert), ("tls.key", key)):
        assert kubectl.ok("exec", "my-pod-demo", "--", "cat", f"/etc/nginx/ssl/{name}") == source.read_text()
    refused = kubectl("exec", "my-pod-demo", "--", "touch", "/etc/nginx/ssl/x")
    assert refused.code == 1
    assert "Read-only file system" in refused.stderr
