"""Environment variables that come from Secrets, kept out of all that containerd writes to disk.

containerd keeps a container's specification, environment included, in its database. So what it is given holds
marks in the place of values; the values lie in a file of their own, in memory, readable for root alone. A
wrapper around the OCI runtime (`runtime_wrapper`) puts them where the marks are, in the files (in memory too)
from which the runtime makes a container's first process and each exec.

The file is a sed script: no program that has to be compiled, and a millisecond for each call of the runtime.
"""

import secrets
from dataclasses import replace

from strongroom.node.containerd.container_files import ContainerFiles
from strongroom.node.env import Environment

MARK = "strongroom:secret"
"""What stands in a stored specification in place of a value, with more behind it."""
_JSON = {
    **{number: f"\\u{number:04x}".encode() for number in range(32)},
    ord('"'): b'\\"',
    ord("\\"): b"\\\\",
}
_SED = {ord("\\"): b"\\\\", ord("/"): b"\\/", ord("&"): b"\\&"}


class SecretEnv(ContainerFiles):
    """The values of running containers, in a directory that must be in memory."""

    def hide(self, environment: Environment) -> tuple[Environment, bytes]:
        """The environment with marks for values of Secrets, and what `put` needs to bring them back."""
        if not environment.secret:
            return environment, b""
        token = secrets.token_hex(16)
        values = dict(environment.values)
        script = []
        for number, name in enumerate(sorted(environment.secret)):
            mark = f"{MARK}:{token}:{number}:".encode()
            script.append(b"s/%b/%b/g\n" % (mark, _escaped(values[name])))
            values[name] = mark
        return replace(environment, values=values), b"".join(script)

    def put(self, container_id: str, script: bytes) -> None:
        """Have the values ready for a container that is created and not yet started. Raises `OSError`."""
        if not script:
            return
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._directory / container_id
        path.touch(mode=0o600)
        path.write_bytes(script)


def _escaped(value: bytes) -> bytes:
    """A value as the inside of a JSON string, and that as sed takes what it is to put in."""
    text = b"".join(_JSON.get(byte, bytes((byte,))) for byte in value)
    return b"".join(_SED.get(byte, bytes((byte,))) for byte in text)
