import pytest

from strongroom.server.connections.peers import InUse, Peers, written


@pytest.mark.parametrize(
    ("client", "peer"),
    [
        (("127.0.0.1", 8080), b"\x1f\x90\x7f\0\0\1" + bytes(12)),
        (("127.0.0.1", "8080"), b"\x1f\x90\x7f\0\0\1" + bytes(12)),
        (("::1", 1), b"\0\1" + bytes(15) + b"\1"),
        (("fe80::1%2", 1), b"\0\1\xfe\x80" + bytes(13) + b"\1"),
        (("::ffff:10.0.0.1", 1), b"\0\1" + bytes(10) + b"\xff\xff\x0a\0\0\1"),
        (("in-process", 1), b""),
        (("127.0.0.1", "x"), b""),
        (("127.0.0.1", 70000), b""),
    ],
)
def test_addresses_as_the_kernel_has_them(client: tuple[str, int | str], peer: bytes) -> None:
    assert written(client) == peer


def test_what_began_is_told_once_and_what_lasts_until_its_end() -> None:
    a, b = ("10.0.0.1", 1), ("10.0.0.2", 2)
    peers = Peers()
    peers.began(a)
    peers.began(None)
    peers.hold(b)
    peers.hold(b)
    assert peers.take() == InUse(frozenset({written(a)}), frozenset({written(b)}))
    peers.release(b)
    assert peers.take() == InUse(frozenset(), frozenset({written(b)}))
    peers.release(b)
    assert peers.take() == InUse(frozenset({written(b)}), frozenset())
    assert peers.take() == InUse(frozenset(), frozenset())
