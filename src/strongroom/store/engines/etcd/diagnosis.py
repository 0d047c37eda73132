"""Why a member of etcd can't be spoken with, in one line: gRPC itself tells no more than that it is away."""

import contextlib
import socket
import ssl
from typing import Final

from strongroom.aio import tls
from strongroom.store.engines.etcd.endpoint import Endpoint

SECONDS: Final = 2.0
"""For a connection and its handshake."""
_ALERT_SECONDS: Final = 0.3
"""How long to wait for a server that refuses the client's certificate to say so."""
_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
"""What a client of HTTP/2 says first, with empty SETTINGS."""


def of(endpoint: Endpoint) -> str:
    """What is wrong between us and the first member that says so; "" when nothing can be told. Blocks."""
    for host in endpoint.hosts:
        problem = _of_tls(endpoint, host) if endpoint.tls else _of_plain(host)
        if problem:
            return f"etcd at {host}: {problem}"
    return ""


def _connection(host: str) -> socket.socket:
    name, _, port = host.rpartition(":")
    return socket.create_connection((name.strip("[]"), int(port)), SECONDS)


def _of_plain(host: str) -> str:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with contextlib.suppress(OSError), _connection(host) as plain, context.wrap_socket(plain):
        return "it speaks TLS: write etcds:// and name its authority (ca=F)"
    return ""


def _answers_without_tls(host: str) -> bool:
    """Whether it greets a client of HTTP/2 without TLS (RFC 9113, 3.4: SETTINGS is the first frame)."""
    with contextlib.suppress(OSError), _connection(host) as plain:
        plain.sendall(_PREFACE)
        return plain.recv(9)[3:4] == b"\x04"
    return False


def _of_tls(endpoint: Endpoint, host: str) -> str:
    parameters = endpoint.parameters
    try:
        context = tls.trust(cafile=parameters.get("ca"))
        context.set_alpn_protocols(["h2"])
        if "cert" in parameters:
            context.load_cert_chain(parameters["cert"], parameters["key"])
    except ssl.SSLError:
        named = ", ".join(parameters[name] for name in ("ca", "cert", "key") if name in parameters)
        return f"{named}: not certificates and a key that belong together"
    except OSError as error:
        return f"{error.filename or 'its files'}: {error.strerror}"
    try:
        with (
            _connection(host) as plain,
            context.wrap_socket(plain, server_hostname=host.rpartition(":")[0].strip("[]")) as wrapped,
        ):
            wrapped.settimeout(_ALERT_SECONDS)
            wrapped.recv(1)
    except ssl.SSLCertVerificationError as error:
        return f"its certificate is not trusted: {error.verify_message}"
    except TimeoutError:
        return ""  # it waits for us to begin, as it should
    except ssl.SSLError as error:
        reason = error.reason or ""
        # The one or the other by the version of etcd.
        if "ALERT" in reason and ("CERTIFICATE" in reason or "UNKNOWN_CA" in reason):
            return "it takes no client without a certificate (cert=F, key=F) that its authority signed"
        ended = isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError)
        if ended or reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"):
            return "it does not speak TLS: write etcd://"
        return f"no TLS with it: {reason}"
    except (
        ConnectionResetError
    ):  # what a server without TLS comes to when it has not read all of our greeting
        if _answers_without_tls(host):
            return "it does not speak TLS: write etcd://"
        return "it has closed the connection: does it speak TLS?"
    except OSError:
        return ""
    return ""
