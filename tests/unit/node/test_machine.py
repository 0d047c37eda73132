"""What a node says of its machine."""

from pathlib import Path

from strongroom.node import machine


def test_capacity() -> None:
    found = machine.Machine(cpus=2, memory=4 * 1024**3, storage=10 * 1024**3)
    assert found.capacity() == {
        "cpu": "2",
        "memory": "4194304Ki",
        "ephemeral-storage": "10485760Ki",
        "pods": "110",
    }


def test_this_machine(tmp_path: Path) -> None:
    found = machine.inspect(tmp_path / "not" / "there", ("192.0.2.1",))
    assert found.cpus >= 1
    assert found.memory > 0
    assert found.storage > 0
    assert found.ips == ("192.0.2.1",)
    assert found.kernel


def test_name_of_the_system() -> None:
    assert machine.pretty_name('ID=debian\nPRETTY_NAME="Debian GNU/Linux 12"\n') == "Debian GNU/Linux 12"
    assert machine.pretty_name("") == "Linux"
