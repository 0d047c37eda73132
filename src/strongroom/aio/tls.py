"""Whom a client trusts over TLS."""

import ssl


def trust(*, cafile: str | None = None, cadata: str | None = None) -> ssl.SSLContext:
    """A client's context that verifies certificates and names of hosts with these authorities (PEM), or with
    the system's when none are named. Raises what `ssl.create_default_context` does.

    From Python 3.13 on that one asks strictly for RFC 5280 (an authority key identifier, say). kubectl, gRPC
    and containerd do not, nor does an older Python: an authority that they take must not be refused here.
    """
    context = ssl.create_default_context(cafile=cafile, cadata=cadata)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context
