"""Layers are lint: every forbidden import, added to a copy of the package, turns `lint-imports` red."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]

# importer, what it may not import
FORBIDDEN = [
    ("machinery", "api"),
    ("machinery", "aio"),
    ("machinery", "telemetry"),
    ("aio", "machinery"),
    ("aio", "client"),
    ("api", "store"),
    ("api", "client"),
    ("api", "registry"),
    ("encryption", "store"),
    ("encryption", "api"),
    ("store", "registry"),
    ("store", "api"),
    ("store", "client"),
    ("store", "encryption.envelope"),
    ("store.engines", "encryption.transformer"),
    ("store.engines", "machinery"),
    ("registry", "server"),
    ("server", "store"),
    ("server", "encryption"),
    ("server", "client"),
    ("server", "node"),
    ("client", "api"),
    ("client", "server"),
    ("controllers", "store"),
    ("controllers", "registry"),
    ("controllers", "node"),
    ("node", "server"),
    ("node", "encryption"),
    ("node", "controllers"),
    ("node", "cli"),
    ("cli", "server"),
    ("cli", "store"),
    ("cli", "node"),
    ("cli", "cmd"),
    ("server", "cmd"),
    ("client", "testing"),
]
OUTSIDE = [("machinery", "asyncio"), ("machinery", "socket"), ("machinery", "logging"), ("machinery", "time")]


def _lint(checkout: Path) -> subprocess.CompletedProcess[str]:
    """Runs the linter on the package below `checkout`, which goes before the installed one."""
    environment = {**os.environ, "PYTHONPATH": str(checkout / "src"), "NO_COLOR": "1"}
    command = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [command, "--no-cache"], cwd=checkout, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    shutil.copytree(
        ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__", "_generated_schema*")
    )
    shutil.copy(ROOT / ".importlinter", tmp_path)
    return tmp_path


@pytest.mark.slow
def test_the_package_keeps_its_layers(checkout: Path) -> None:
    result = _lint(checkout)
    assert result.returncode == 0, result.stdout


@pytest.mark.slow
def test_each_forbidden_import_is_caught(checkout: Path) -> None:
    package = checkout / "src" / "strongroom"
    planted = {}
    for number, (importer, imported) in enumerate([*FORBIDDEN, *OUTSIDE]):
        name = f"planted_{number}"
        target = imported if (importer, imported) in OUTSIDE else f"strongroom.{imported}"
        (package / importer.replace(".", "/") / f"{name}.py").write_text(f"import {target}\n")
        planted[f"strongroom.{importer}.{name}"] = target
    result = _lint(checkout)
    assert result.returncode == 1, result.stderr
    missed = [
        f"{module} -> {target}" for module, target in planted.items() if f"{module} ->" not in result.stdout
    ]
    assert not missed, result.stdout
