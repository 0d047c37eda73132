"""Whether a client is still there, as the kernel says."""

import socket
import sys

import pytest

from strongroom.server import peer

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
SERVER = ("127.0.0.1", 6443)


def line(local: str, remote: str, state: str) -> str:
    return f"   1: {local} {remote} {state} 00000000:00000000 00:00000000 00000000     0        0 9 1 0"


@pytest.mark.skipif(sys.byteorder != "little", reason="the words below are written so")
@pytest.mark.parametrize(
    ("lines", "remote", "there"),
    [
        ([line("0100007F:192B", "0100007F:B06E", "01")], ("127.0.0.1", 45166), True),
        # It said that it has nothing more to say, and that was read.
        ([line("0100007F:192B", "0100007F:B06E", "08")], ("127.0.0.1", 45166), False),
        ([line("0100007F:192B", "0100007F:B06F", "01")], ("127.0.0.1", 45166), False),
        ([line("0100007F:192C", "0100007F:B06E", "01")], ("127.0.0.1", 45166), False),
        ([], ("127.0.0.1", 45166), False),
        ([line("0000000000000000FFFF00000100007F:192B", "0000000000000000FFFF00000100007F:B06E", "01")],
         ("127.0.0.1", 45166), True),
        ([line("0000000000000000FFFF00000100007F:192B", "0000000000000000FFFF00000100007F:B06E", "01")],
         ("::ffff:127.0.0.1", 45166), True),
        ([line("00000000000000000000000001000000:192B", "00000000000000000000000001000000:B06E", "01")],
         ("::1", 45166), True),
    ],
)  # fmt: skip
def test_lines(lines: list[str], remote: peer.Address, there: bool) -> None:
    assert peer._is_open(lines, SERVER, remote) is there


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")
def test_a_connection_that_is_there_and_one_that_is_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        local = listener.getsockname()
        with socket.create_connection(local) as client:
            remote = client.getsockname()
            with listener.accept()[0]:
                assert peer.is_connected(local, remote)
                client.close()
                assert not peer.is_connected(local, remote)
