"""A local image registry (Debian's `docker-registry`), and the `certs.d` tree that leads to it."""

import dataclasses
import subprocess
import types
from collections.abc import Iterable
from pathlib import Path

from strongroom.testing import images, ports

PROGRAM = "docker-registry"

_CONFIG = """\
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage:
  inmemory: {{}}
http: {{addr: "{host}:{port}"{tls}}}
{auth}"""

_HOSTS = """\
server = "{url}"
[host."{url}"]
  capabilities = ["pull", "resolve"]
{ca}"""


@dataclasses.dataclass
class Registry:
    """A context manager that runs one registry in memory on a free port, of the loopback address by default.

    `directory` takes its configuration; with `users` (name to password) each request needs one of them; with
    `tls` it speaks HTTPS alone, with the certificate `ca`.
    """

    directory: Path
    users: dict[str, str] = dataclasses.field(default_factory=dict)
    tls: bool = False
    host: str = "127.0.0.1"
    port: int = dataclasses.field(default_factory=ports.free_port)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """`host:port`, as an image reference would spell it."""
        return f"{self.host}:{self.port}"

    @property
    def ca(self) -> Path | None:
        """What its clients verify it with."""
        return self.directory / "registry.crt" if self.tls else None

    def __enter__(self) -> "Registry":
        self.directory.mkdir(parents=True, exist_ok=True)
        auth = ""
        if self.users:
            table = self.directory / "htpasswd"
            table.write_text("".join(map(self._htpasswd_line, self.users.items())))
            auth = f'auth: {{htpasswd: {{realm: registry, path: "{table}"}}}}\n'
        config = self.directory / "config.yml"
        config.write_text(
            _CONFIG.format(host=self.host, port=self.port, auth=auth, tls=self._make_certificate())
        )
        with (self.directory / "registry.log").open("wb") as log:
            self._process = subprocess.Popen([PROGRAM, "serve", config], stdout=log, stderr=log)
        ports.wait_until_listening(self.port, host=self.host, timeout=20)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)

    def push(self, reference: str, image: images.Image) -> None:
        """Store `image` as `repository:tag`, as the first of `users` if there are any."""
        repository, _, tag = reference.rpartition(":")
        credentials = next(iter(self.users.items()), None)
        images.push(self.address, repository, tag, image, credentials=credentials, ca=self.ca)

    def _make_certificate(self) -> str:
        """The setting that names key and certificate, which are made for it."""
        if self.ca is None:
            return ""
        key = self.directory / "registry.key"
        request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
        request += ["-subj", "/CN=registry", "-addext", "subjectAltName=IP:127.0.0.1"]
        subprocess.run([*request, "-keyout", key, "-out", self.ca], check=True, capture_output=True)
        return f', tls: {{certificate: "{self.ca}", key: "{key}"}}'

    @staticmethod
    def _htpasswd_line(user: tuple[str, str]) -> str:
        name, password = user
        made = subprocess.run(
            ["htpasswd", "-nBiC", "5", name], input=password, capture_output=True, check=True, text=True
        )
        return made.stdout.strip() + "\n"


def write_hosts(directory: Path, hosts: Iterable[str], address: str, ca: Path | None = None) -> None:
    """Add to a `certs.d` tree: pulls from each of `hosts` (`docker.io`, ...) go to `address`, by HTTPS if
    there is a `ca`."""
    trust = f'  ca = "{ca}"\n' if ca is not None else ""
    url = f"https://{address}" if ca is not None else f"http://{address}"
    for host in hosts:
        place = directory / host
        place.mkdir(parents=True, exist_ok=True)
        (place / "hosts.toml").write_text(_HOSTS.format(url=url, ca=trust))
