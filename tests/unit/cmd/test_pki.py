import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from strongroom.cmd import pki

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def _load(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_authority_is_made_once_and_kept(tmp_path: Path) -> None:
    first = pki.Authority.open_or_create(tmp_path / "pki", NOW)
    again = pki.Authority.open_or_create(tmp_path / "pki", NOW + timedelta(days=1))
    assert first.pem == again.pem


def test_keys_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    pki.Authority.open_or_create(tmp_path / "pki", NOW).serving("apiserver", ["localhost"], NOW)
    assert (tmp_path / "pki").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "pki").iterdir()} == {0o600}


def test_serving_certificate_is_signed_by_the_authority_and_holds_the_hosts(tmp_path: Path) -> None:
    authority = pki.Authority.open_or_create(tmp_path, NOW)
    pair = authority.serving("apiserver", ["localhost", "127.0.0.1", "::1", "localhost"], NOW)
    certificate = _load(pair.certificate)
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.pem))
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(pair.certificate, pair.key)


@pytest.mark.parametrize(
    ("hosts", "days", "renewed"),
    [(["a"], 0, False), (["b"], 0, True), (["a"], 200, False), (["a"], 300, True), (["a"], 400, True)],
)
def test_serving_certificate_is_renewed_near_its_end_and_for_other_names(
    tmp_path: Path, hosts: list[str], days: int, renewed: bool
) -> None:
    authority = pki.Authority.open_or_create(tmp_path, NOW)
    before = _load(authority.serving("apiserver", ["a"], NOW).certificate)
    after = _load(authority.serving("apiserver", hosts, NOW + timedelta(days=days)).certificate)
    assert (before.serial_number != after.serial_number) is renewed


def test_a_certificate_of_another_authority_is_replaced(tmp_path: Path) -> None:
    stranger = pki.Authority.open_or_create(tmp_path / "a", NOW).serving("apiserver", ["a"], NOW)
    authority = pki.Authority.open_or_create(tmp_path / "b", NOW)
    pair = authority.serving("apiserver", ["a"], NOW)
    pair.certificate.write_bytes(stranger.certificate.read_bytes())
    mended = _load(authority.serving("apiserver", ["a"], NOW).certificate)
    mended.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.pem))


def test_first_start_cut_between_key_and_certificate_starts_over(tmp_path: Path) -> None:
    pki.Authority.open_or_create(tmp_path, NOW)
    (tmp_path / "ca.crt").unlink()
    authority = pki.Authority.open_or_create(tmp_path, NOW)
    authority.serving("apiserver", ["a"], NOW)


@pytest.mark.parametrize("harm", ["remove", "garbage"])
def test_a_broken_key_is_refused_by_name_and_nothing_is_replaced(tmp_path: Path, harm: str) -> None:
    pem = pki.Authority.open_or_create(tmp_path, NOW).pem
    if harm == "remove":
        (tmp_path / "ca.key").unlink()
    else:
        (tmp_path / "ca.key").write_bytes(b"garbage")
    with pytest.raises(pki.PKIError, match=str(tmp_path)):
        pki.Authority.open_or_create(tmp_path, NOW)
    assert (tmp_path / "ca.crt").read_bytes() == pem
