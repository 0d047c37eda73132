"""Whom a client trusts over TLS, with certificates that have no more than they need."""

import ssl
from pathlib import Path

import pytest

from strongroom.aio import tls
from strongroom.testing.certificates import TestAuthority


def greet(authority: TestAuthority, trust: ssl.SSLContext, name: str = "127.0.0.1") -> None:
    """A handshake in memory with a server that `authority` vouches for, as far as the client verifies it."""
    pair = authority.issue("server")
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(pair.certificate, pair.key)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trust.wrap_bio(to_client, to_server, server_hostname=name)
    server = serving.wrap_bio(to_server, to_client, server_side=True)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    with pytest.raises(ssl.SSLWantReadError):
        server.do_handshake()
    client.do_handshake()


@pytest.mark.parametrize("form", ["cafile", "cadata"])
def test_an_authority_without_key_identifiers_is_trusted_as_kubectl_does(tmp_path: Path, form: str) -> None:
    authority = TestAuthority(tmp_path)
    named = str(authority.certificate) if form == "cafile" else authority.certificate.read_text()
    trust = tls.trust(**{form: named})
    assert not trust.verify_flags & ssl.VERIFY_X509_STRICT
    greet(authority, trust)


def test_another_authority_and_another_host_are_not_trusted(tmp_path: Path) -> None:
    authority, other = TestAuthority(tmp_path / "a"), TestAuthority(tmp_path / "b")
    with pytest.raises(ssl.SSLCertVerificationError):
        greet(authority, tls.trust(cafile=str(other.certificate)))
    with pytest.raises(ssl.SSLCertVerificationError, match="IP address mismatch"):
        greet(authority, tls.trust(cafile=str(authority.certificate)), "127.0.0.9")
