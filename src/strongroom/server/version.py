"""`/version`: which Kubernetes this speaks."""

import platform
import sys
from typing import Final

import orjson

import strongroom
from strongroom.machinery import status
from strongroom.server import responses
from strongroom.server.request import Request

PATH: Final = "/version"
MAJOR: Final = "1"
MINOR: Final = "36"
GIT_VERSION: Final = f"v{MAJOR}.{MINOR}.1+strongroom.{strongroom.__version__}"

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "AMD64": "amd64"}


def info() -> dict[str, str]:
    """The document. The parts that only a Go build has name what stands in their place."""
    machine = platform.machine()
    return {
        "major": MAJOR,
        "minor": MINOR,
        "emulationMajor": MAJOR,
        "emulationMinor": MINOR,
        "minCompatibilityMajor": MAJOR,
        "minCompatibilityMinor": str(int(MINOR) - 1),
        "gitVersion": GIT_VERSION,
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": f"python{platform.python_version()}",
        "compiler": sys.implementation.name,
        "platform": f"{sys.platform}/{_ARCHITECTURES.get(machine, machine)}",
    }


_BODY = orjson.dumps(info(), option=orjson.OPT_INDENT_2)


async def serve(request: Request) -> None:
    if request.method != "GET":
        raise status.method_not_allowed()
    await responses.send(request, 200, _BODY)
