"""Small OCI images made from Debian's static busybox and bash, and their push to a registry.

Nothing is downloaded: the two binaries come from the Debian packages `busybox-static` and `bash-static`.
The same inputs always give the same bytes, so an image's digest is stable on one machine.
"""

import base64
import dataclasses
import functools
import gzip
import hashlib
import http.client
import io
import json
import ssl
import subprocess
import tarfile
import urllib.parse
from collections.abc import Mapping, Sequence
from pathlib import Path

BUSYBOX = Path("/bin/busybox")
BASH = Path("/bin/bash-static")

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"

_WEB_ROOT = "usr/share/nginx/html"
_NGINX_SCRIPT = b"""#!/bin/bash
# Serves the web root on port 80 until told to stop; as process 1 it must ask for the signals it wants.
trap 'exit 0' TERM QUIT INT
httpd -f -p 80 -h /usr/share/nginx/html &
echo "nginx: ready for start up"
wait
"""


@dataclasses.dataclass(frozen=True)
class File:
    """One file of a layer; a `link` makes it a symbolic link and its content is then ignored."""

    content: bytes = b""
    mode: int = 0o644
    link: str = ""


@dataclasses.dataclass(frozen=True)
class Image:
    """A single-platform OCI image as the exact bytes a registry stores."""

    manifest: bytes
    config: bytes
    layers: tuple[bytes, ...]

    @property
    def digest(self) -> str:
        """The manifest's digest, `sha256:...`: what a pull by digest names."""
        return digest_of(self.manifest)


def digest_of(data: bytes) -> str:
    """The OCI digest of a blob."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def build(files: Mapping[str, File], config: Mapping[str, object], *upper: Mapping[str, File]) -> Image:
    """Build an image of one layer, with those of `upper` on top of it in their order.

    A file `.wh.NAME` of an upper layer takes NAME away, `.wh..wh..opq` all that lower ones have beside it.
    `files` maps paths without a leading slash to their content (a path that ends in a slash is a directory);
    missing parent directories are made with mode 0755.
    `config` is the OCI runtime configuration (`Env`, `Cmd`, `Entrypoint`, `ExposedPorts`, `StopSignal`, ...).
    """
    tars = [_tar(layer) for layer in (files, *upper)]
    layers = tuple(gzip.compress(tar, compresslevel=1, mtime=0) for tar in tars)
    document = {
        "architecture": _architecture(),
        "os": "linux",
        "config": dict(config),
        "rootfs": {"type": "layers", "diff_ids": [digest_of(tar) for tar in tars]},
        "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "strongroom.testing.images"}],
        "created": "1970-01-01T00:00:00Z",
    }
    config_blob = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": {"mediaType": CONFIG_TYPE, "digest": digest_of(config_blob), "size": len(config_blob)},
        "layers": [
            {"mediaType": LAYER_TYPE, "digest": digest_of(layer), "size": len(layer)} for layer in layers
        ],
    }
    return Image(json.dumps(manifest, separators=(",", ":")).encode(), config_blob, layers)


def shell(*, cmd: Sequence[str] = ("sleep", "infinity"), env: Sequence[str] = ()) -> Image:
    """An image with `/bin/sh` (busybox), `/bin/bash` and every busybox applet."""
    return build(shell_files(), _config(cmd, env))


def layered() -> Image:
    """A shell with files below `/l`, of which upper layers take some away; `LAYERED` is what remains."""
    lower = {
        "l/stays": File(b"stays"),
        "l/file": File(b"gone"),
        "l/folder/deep/file": File(b"gone"),
        "l/part/stays": File(b"stays"),
        "l/part/file": File(b"gone"),
        "l/opaque/file": File(b"gone"),
        "l/opaque/folder/file": File(b"gone"),
        "l/link": File(link="stays"),
        "l/back": File(b"gone"),
        "l/anew/file": File(b"gone"),
    }
    middle = {
        "l/.wh.file": File(),
        "l/.wh.folder": File(),
        "l/part/.wh.file": File(),
        "l/opaque/.wh..wh..opq": File(),
        "l/opaque/new": File(b"new"),
        "l/.wh.link": File(),
        "l/.wh.back": File(),
        "l/.wh.anew": File(),
    }
    upper = {"l/back": File(b"back"), "l/anew/new": File(b"new")}
    return build(shell_files() | lower, _config(("sleep", "infinity"), ()), middle, upper)


LAYERED = {"stays": "stays", "part/stays": "stays", "opaque/new": "new", "back": "back", "anew/new": "new"}
"""The files below `/l` of an image that is `layered`, and what is in them."""


def nginx(version: str = "1.27.0") -> Image:
    """What the tutorial's Pods need of `nginx`: an HTTP server on port 80, a shell, and the usual tools.

    It ends within milliseconds of SIGTERM or SIGQUIT, and says one line on standard output when it is up.
    """
    files = shell_files() | {
        f"{_WEB_ROOT}/index.html": File(b"<h1>Welcome to nginx!</h1>\n"),
        "usr/sbin/nginx": File(_NGINX_SCRIPT, 0o755),
        "etc/nginx/nginx.conf": File(b"# served by busybox httpd\n"),
    }
    config = _config(("/usr/sbin/nginx",), (f"NGINX_VERSION={version}",))
    return build(files, config | {"ExposedPorts": {"80/tcp": {}}, "StopSignal": "SIGQUIT"})


def web(port: int, version: str = "v1") -> Image:
    """An HTTP server on `port` whose page is its `version`; it ends within milliseconds of SIGTERM."""
    script = f"#!/bin/bash\ntrap 'exit 0' TERM\nhttpd -f -p {port} -h /www &\nwait\n"
    files = shell_files() | {
        "www/index.html": File(f"{version}\n".encode()),
        "usr/bin/serve": File(script.encode(), 0o755),
    }
    return build(files, _config(("/usr/bin/serve",), ()) | {"ExposedPorts": {f"{port}/tcp": {}}})


def push(
    registry: str,
    repository: str,
    tag: str,
    image: Image,
    *,
    credentials: tuple[str, str] | None = None,
    ca: Path | None = None,
) -> None:
    """Push to `registry` (`host:port`; HTTPS if there is a `ca`); raises `OSError` when it refuses a part."""
    host, _, port = registry.partition(":")
    connection = http.client.HTTPConnection(host, int(port or 80), timeout=30)
    if ca is not None:
        trust = ssl.create_default_context(cafile=str(ca))
        connection = http.client.HTTPSConnection(host, int(port or 443), timeout=30, context=trust)
    headers = {}
    if credentials is not None:
        headers["Authorization"] = "Basic " + base64.b64encode(":".join(credentials).encode()).decode()
    try:
        for blob in (*image.layers, image.config):
            _push_blob(connection, repository, blob, headers)
        typed = headers | {"Content-Type": MANIFEST_TYPE}
        _call(connection, "PUT", f"/v2/{repository}/manifests/{tag}", typed, image.manifest, (201,))
    finally:
        connection.close()


def _push_blob(
    connection: http.client.HTTPConnection, repository: str, blob: bytes, headers: Mapping[str, str]
) -> None:
    digest = digest_of(blob)
    path = f"/v2/{repository}/blobs/{digest}"
    if _call(connection, "HEAD", path, headers, b"", (200, 404)).status == 200:
        return
    started = _call(connection, "POST", f"/v2/{repository}/blobs/uploads/", headers, b"", (202,))
    place = urllib.parse.urlsplit(started.headers["Location"])
    query = urllib.parse.urlencode([*urllib.parse.parse_qsl(place.query), ("digest", digest)])
    typed = dict(headers) | {"Content-Type": "application/octet-stream"}
    _call(connection, "PUT", f"{place.path}?{query}", typed, blob, (201,))


def _call(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    expected: tuple[int, ...],
) -> http.client.HTTPResponse:
    connection.request(method, path, body=body, headers=dict(headers))
    response = connection.getresponse()
    detail = response.read()
    if response.status not in expected:
        raise OSError(f"registry answered {response.status} to {method} {path}: {detail[:200]!r}")
    return response


def _config(cmd: Sequence[str], env: Sequence[str]) -> dict[str, object]:
    path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return {"Env": [path, *env], "Cmd": list(cmd), "WorkingDir": "/"}


@functools.cache
def _applets() -> tuple[str, ...]:
    listed = subprocess.run([BUSYBOX, "--list"], capture_output=True, check=True, text=True).stdout
    return tuple(sorted(set(listed.split()) - {"busybox", "bash"}))


@functools.cache
def _binary(path: Path) -> File:
    return File(path.read_bytes(), 0o755)


def shell_files() -> dict[str, File]:
    """The files of `shell`, to make other images of."""
    files = {
        "bin/busybox": _binary(BUSYBOX),
        "bin/bash": _binary(BASH),
        "etc/passwd": File(b"root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/:/bin/sh\n"),
        "etc/group": File(b"root:x:0:\nnogroup:x:65534:\n"),
        "tmp/": File(mode=0o1777),
        "root/": File(mode=0o700),
        "run/": File(mode=0o755),
    }
    return files | {f"bin/{applet}": File(link="busybox") for applet in _applets()}


def _architecture() -> str:
    machine = subprocess.run(["uname", "-m"], capture_output=True, check=True, text=True).stdout.strip()
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def _tar(files: Mapping[str, File]) -> bytes:
    directories = {
        "/".join(parts[:depth]) + "/"
        for parts in (name.rstrip("/").split("/") for name in files)
        for depth in range(1, len(parts))
    }
    entries = {name: File(mode=0o755) for name in directories} | dict(files)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(entries):
            entry = entries[name]
            info = tarfile.TarInfo(name)
            info.mode = entry.mode
            if name.endswith("/"):
                info.type = tarfile.DIRTYPE
                archive.addfile(info)
            elif entry.link:
                info.type, info.linkname = tarfile.SYMTYPE, entry.link
                archive.addfile(info)
            else:
                info.size = len(entry.content)
                archive.addfile(info, io.BytesIO(entry.content))
    return buffer.getvalue()
