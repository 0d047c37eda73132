import re
from pathlib import Path

import pytest

from strongroom.cmd import main


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["up", "--bogus"], "--bogus"),
        (["frobnicate"], "frobnicate"),
        (["up", "--listen", "nowhere"], "--listen"),
        (["up", "--node-name", "A_b"], "--node-name"),
        (["up", "--store", "postgres://127.0.0.1"], "--store"),
        (["up", "--store", "etcd://127.0.0.1:x"], "--store"),
        (["up", "--runtime-endpoint", "tcp://x"], "--runtime-endpoint"),
        (["up", "--data-dir"], "--data-dir"),
        (["migrate", "--from", "x", "--to", "sqlite"], "--from"),
        (["migrate", "--from", "sqlite", "--to", "x"], "--to"),
        (["up", "--config", "/nonexistent/strongroom.yaml"], "/nonexistent/strongroom.yaml"),
    ],
)
def test_a_wrong_flag_is_one_line_that_names_it_and_exit_2(
    arguments: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"strongroom: error: [^\n]*\n", err)
    assert named in err


@pytest.mark.parametrize(
    ("content", "named"),
    [("listenn: 1\n", "listenn"), ("{[", "line"), ("- a\n", "mapping"), ("listen: nowhere\n", "--listen")],
)
def test_a_wrong_configuration_file_is_one_line_that_names_it_and_exit_2(
    content: str, named: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "strongroom.yaml"
    path.write_text(content)
    assert main.main(["up", "--config", str(path)]) == 2
    assert named in capsys.readouterr().err


def test_flag_goes_before_variable_before_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "strongroom.yaml"
    path.write_text("listen: file\n")
    assert main.main(["up", "--config", str(path)]) == 2
    assert "'file'" in capsys.readouterr().err
    monkeypatch.setenv("STRONGROOM_LISTEN", "variable")
    assert main.main(["up", "--config", str(path)]) == 2
    assert "'variable'" in capsys.readouterr().err
    assert main.main(["up", "--config", str(path), "--listen", "flag"]) == 2
    assert "'flag'" in capsys.readouterr().err


def test_help_has_examples_and_names_every_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["up", "--help"]) == 0
    text = capsys.readouterr().out
    assert "Examples:" in text
    assert "Exit codes:" in text
    for flag in ("--data-dir", "--listen", "--kubeconfig", "--node-name", "--no-node", "--runtime-endpoint"):
        assert flag in text


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("strongroom 0.")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_help_shows_how_each_shell_completes(
    shell: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    main.main(["--help"])
    assert f"_STRONGROOM_COMPLETE={shell}_source strongroom" in capsys.readouterr().out
    monkeypatch.setenv("_STRONGROOM_COMPLETE", f"{shell}_source")
    with pytest.raises(SystemExit, match="0"):
        main.main([])
    assert "strongroom" in capsys.readouterr().out
