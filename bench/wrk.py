"""Load from wrk, a process of its own that costs the machine little: it counts, we only start it.

wrk verifies no certificate and has no client certificates, so the kubeconfig must carry a bearer token.
"""

import dataclasses
import json
import os
import subprocess
from pathlib import Path

from bench.target import Options, Target

SCRIPTS = Path(__file__).parent / "lua"


@dataclasses.dataclass(frozen=True)
class Load:
    """What one run of wrk counted."""

    per_second: float
    median: float
    """Milliseconds."""
    p99: float
    answers: int
    failures: int
    """Answers outside 2xx, and broken or timed-out connections."""


def run(
    target: Target, options: Options, script: str, path: str, *, token: str = "", **environment: str
) -> Load:
    """Apply load to one path for `options.seconds`, as the kubeconfig's user or the one of `token`.

    Raises `OSError` without wrk or a token."""
    token = token or target.access.token
    if not token:
        raise OSError("wrk needs a bearer token in the kubeconfig")
    command = ["wrk", "--threads", "1", "--connections", str(options.connections), "--timeout", "10s"]
    command += ["--duration", f"{options.seconds}s", "--script", str(SCRIPTS / script), target.url + path]
    done = subprocess.run(
        command,
        env=os.environ | {"BENCH_TOKEN": token, "BENCH_COMMON": str(SCRIPTS / "common.lua")} | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    counted = json.loads(done.stdout.strip().splitlines()[-1])
    return Load(
        per_second=(counted["answers"] - counted["failures"]) / counted["seconds"],
        median=counted["median"],
        p99=counted["p99"],
        answers=counted["answers"],
        failures=counted["failures"],
    )
