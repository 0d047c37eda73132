"""Errors that no command has words for: one line, no traceback, whatever standard output is."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from strongroom.cmd import main, outcome

_START = "import sys; from strongroom.cmd import entry; sys.argv[0] = 'strongroom'; entry.run()"


def _run(shell: str, arguments: str = "--version") -> subprocess.CompletedProcess[str]:
    command = f'exec "$0" -c "$1" {arguments} {shell}'
    return subprocess.run(
        ["bash", "-c", command, sys.executable, _START],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.slow
def test_a_full_disk_behind_the_output_is_one_line() -> None:
    done = _run(">/dev/full")
    assert (done.returncode, done.stderr) == (
        1,
        "strongroom: error: can't write: No space left on device\n",
    )


@pytest.mark.slow
def test_a_reader_that_has_left_is_no_news() -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-c", _START, "--version"],
        stdout=write,
        stderr=subprocess.PIPE,
        timeout=30,
        check=False,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.slow
def test_no_file_takes_the_place_of_a_closed_standard_stream() -> None:
    assert _run(">&- 2>&- <&-").returncode == 0
    code = (
        "import os; from strongroom.cmd import entry; entry.open_standard_streams();"
        "os._exit(os.open('/dev/zero', os.O_RDONLY))"
    )
    done = subprocess.run(["bash", "-c", 'exec "$0" -c "$1" <&- >&- 2>&-', sys.executable, code], check=False)
    assert done.returncode == 3


def test_no_command_leaves_a_core_dump() -> None:
    code = (
        "import resource, sys, types\n"
        "from strongroom.cmd import entry\n"
        "shown = types.ModuleType('strongroom.cmd.main')\n"
        "shown.main = lambda _: int(resource.getrlimit(resource.RLIMIT_CORE)[0] != 0)\n"
        "sys.modules['strongroom.cmd.main'] = shown\n"
        "resource.setrlimit(resource.RLIMIT_CORE, (4096, resource.getrlimit(resource.RLIMIT_CORE)[1]))\n"
        "entry.run()\n"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=30, check=False).returncode == 0


def test_ctrl_c_while_it_is_loaded_ends_it_without_a_word() -> None:
    code = (
        "import os, signal, sys\n"
        "from strongroom.cmd import entry\n"
        # Who starts the tests in the background has it ignored.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "class Interrupting:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'strongroom.cmd.main': os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupting())\n"
        "entry.run()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, b"")


@pytest.mark.parametrize("arguments", [["access", "secret", "\udcfe"], ["export", "-n", "\udcfe"]])
def test_an_argument_that_cannot_be_sent_is_named(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(
        '{"clusters":[{"name":"c","cluster":{"server":"https://127.0.0.1:1"}}],'
        '"users":[{"name":"u","user":{"token":"t"}}],'
        '"contexts":[{"name":"x","context":{"cluster":"c","user":"u"}}],"current-context":"x"}'
    )
    monkeypatch.setenv("KUBECONFIG", str(file))
    assert main.main(arguments) == 2
    assert capsys.readouterr().err == "strongroom: error: \\udcfe is not UTF-8\n"


def test_what_the_system_says_is_told_with_the_file_that_it_says_it_of() -> None:
    assert outcome.of_system(PermissionError(13, "Permission denied", "/a")) == "/a: Permission denied"
    assert outcome.of_system(FileNotFoundError(2, "No such file")) == "the working directory: No such file"
    with pytest.raises(outcome.Quiet):
        outcome.of_system(BrokenPipeError(32, "Broken pipe"))
    assert outcome.of_text(["a"]) == "a text is not UTF-8"
