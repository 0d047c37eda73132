"""The cluster's certificate authority and the serving certificates made with it.

The CA is made at first start and kept; serving certificates are made anew near their end, or when the names
that they must hold change. Keys are EC P-256 in PKCS#8, files have mode 0600.
"""

import ipaddress
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from strongroom.cmd import files

CA_LIFETIME = timedelta(days=3650)
SERVING_LIFETIME = timedelta(days=365)
RENEW_BEFORE = timedelta(days=90)
_BACKDATE = timedelta(minutes=5)  # clients whose clock is a little late


class PKIError(Exception):
    """A file of the PKI can't be used: names the file and the reason."""


@dataclass(frozen=True, slots=True)
class ServingCertificate:
    """Paths of a certificate (with the CA behind it) and its key, both PEM."""

    certificate: Path
    key: Path

    @property
    def sha256(self) -> str:
        """The digest of the certificate, in hex, as others pin it."""
        loaded = x509.load_pem_x509_certificate(self.certificate.read_bytes())
        return loaded.fingerprint(hashes.SHA256()).hex()

    def context(self) -> ssl.SSLContext:
        """For a server that shows it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self.certificate, self.key)
        return context


class Authority:
    """A certificate authority kept in a folder as `ca.crt` and `ca.key`."""

    def __init__(self, folder: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        self._folder = folder
        self._certificate = certificate
        self._key = key

    @property
    def pem(self) -> bytes:
        """The CA's certificate: what clients trust."""
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    @classmethod
    def open_or_create(cls, folder: Path, now: datetime) -> "Authority":
        """The CA in `folder`, made when there is none. Raises PKIError when it is incomplete."""
        files.make_private_folder(folder)
        crt, key = folder / "ca.crt", folder / "ca.key"
        if crt.exists() and not key.exists():
            raise PKIError(
                f"{key} is missing while {crt} is there: restore it, or move {crt} away for a new CA"
            )
        if not crt.exists():
            _create_authority(crt, key, now)
        try:
            certificate = x509.load_pem_x509_certificate(crt.read_bytes())
            loaded = serialization.load_pem_private_key(key.read_bytes(), password=None)
        except (OSError, ValueError) as error:
            raise PKIError(
                f"{folder}: the certificate authority can't be read: {type(error).__name__}"
            ) from error
        if not isinstance(loaded, ec.EllipticCurvePrivateKey):
            raise PKIError(f"{key}: not an EC key")
        return cls(folder, certificate, loaded)

    def serving(self, name: str, hosts: Sequence[str], now: datetime) -> ServingCertificate:
        """A serving certificate for `hosts` (DNS names and IP addresses), kept as `‹name›.crt` and `.key`."""
        pair = ServingCertificate(self._folder / f"{name}.crt", self._folder / f"{name}.key")
        wanted = _alternative_names(hosts)
        if not self._still_good(pair, wanted, now):
            self._issue(pair, name, wanted, now)
        return pair

    def _still_good(
        self, pair: ServingCertificate, wanted: x509.SubjectAlternativeName, now: datetime
    ) -> bool:
        if not (pair.certificate.exists() and pair.key.exists()):
            return False
        try:
            certificate = x509.load_pem_x509_certificate(pair.certificate.read_bytes())
            held = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            certificate.verify_directly_issued_by(self._certificate)
        except Exception:  # whatever is wrong with it, a new one is made
            return False
        return set(held) == set(wanted) and certificate.not_valid_after_utc - RENEW_BEFORE > now

    def _issue(
        self, pair: ServingCertificate, name: str, wanted: x509.SubjectAlternativeName, now: datetime
    ) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            x509.CertificateBuilder()
            .subject_name(_common_name(f"strongroom {name}"))
            .issuer_name(self._certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _BACKDATE)
            .not_valid_after(now + SERVING_LIFETIME)
            .add_extension(wanted, critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
            .sign(self._key, hashes.SHA256())
        )
        # The key first: a certificate without its key would look usable.
        files.write_private(pair.key, _key_pem(key))
        files.write_private(pair.certificate, certificate.public_bytes(serialization.Encoding.PEM) + self.pem)


def self_signed(folder: Path, name: str, hosts: Sequence[str], now: datetime) -> ServingCertificate:
    """A new certificate that nobody vouches for but itself, for those who know its digest."""
    files.make_private_folder(folder)
    pair = ServingCertificate(folder / f"{name}.crt", folder / f"{name}.key")
    key, subject = ec.generate_private_key(ec.SECP256R1()), _common_name(f"strongroom {name}")
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATE)
        .not_valid_after(now + CA_LIFETIME)
        .add_extension(_alternative_names(hosts), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    files.write_private(pair.key, _key_pem(key))
    files.write_private(pair.certificate, certificate.public_bytes(serialization.Encoding.PEM))
    return pair


def _create_authority(crt: Path, key_path: Path, now: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _common_name("strongroom-ca")
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATE)
        .not_valid_after(now + CA_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                key_cert_sign=True,
                crl_sign=True,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    # The key first: a start that is cut between the two leaves a key that signed nothing, and the next start
    # makes both anew.
    files.write_private(key_path, _key_pem(key))
    files.write_private(crt, certificate.public_bytes(serialization.Encoding.PEM))


def _common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _alternative_names(hosts: Sequence[str]) -> x509.SubjectAlternativeName:
    names: list[x509.GeneralName] = []
    for host in dict.fromkeys(hosts):
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(host)))
        except ValueError:
            names.append(x509.DNSName(host))
    return x509.SubjectAlternativeName(names)
