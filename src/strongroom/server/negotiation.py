"""What form an answer takes: JSON or YAML; the object, a Table of it, or its metadata alone.

The first clause of `Accept` that can be met wins, in the order given; protobuf and CBOR are never answered,
which clients that ask for them allow for. Choices are remembered by the header's bytes.
"""

from typing import NamedTuple

from strongroom.machinery import status
from strongroom.server.request import Request

JSON, YAML = "application/json", "application/yaml"
ACCEPTED = (JSON, YAML, "application/vnd.kubernetes.protobuf")
WATCH_ACCEPTED = (*ACCEPTED[:2], "application/vnd.kubernetes.protobuf;stream=watch")
_BROWSERS = (b"curl", b"Wget", b"Mozilla/5.0")
_REMEMBERED = 512


class Form(NamedTuple):
    """`kind`: "" for the object itself, or Table, PartialObjectMetadata, PartialObjectMetadataList."""

    yaml: bool
    kind: str = ""
    version: str = ""
    pretty: bool = False

    @property
    def plain(self) -> bool:
        """The encoded bytes as they are."""
        return not self.kind and not self.yaml and not self.pretty


PLAIN = Form(yaml=False)
INDENTED = Form(yaml=False, pretty=True)
_KINDS = frozenset(("Table", "PartialObjectMetadata", "PartialObjectMetadataList"))
_forms: dict[bytes, Form | None] = {b"": PLAIN, b"*/*": PLAIN, b"application/json": PLAIN}


def choose(request: Request) -> Form:
    """The form of the answer. Raises StatusError 406."""
    headers = request.headers
    accept = headers.get(b"accept", b"")
    try:
        form = _forms[accept]
    except KeyError:
        form = _parse(accept.decode("latin-1"))
        if len(_forms) < _REMEMBERED:
            _forms[accept] = form
    if form is None:
        raise status.not_acceptable(ACCEPTED)
    if (request.query_string or headers.get(b"user-agent", b"").startswith(_BROWSERS)) and _pretty(request):
        return form._replace(pretty=True)
    return form


def _pretty(request: Request) -> bool:
    query = request.query_string
    # What may be the parameter's name, escaped or not.
    values = request.query.get("pretty") if b"pretty" in query or b"%" in query else None
    if values:
        return values[0] not in ("false", "0")
    return request.headers.get(b"user-agent", b"").startswith(_BROWSERS)


def _parse(accept: str) -> Form | None:
    for clause in accept.split(","):
        media, *parameters = [part.strip() for part in clause.split(";")]
        given = dict(p.partition("=")[::2] for p in parameters if "=" in p)
        yaml = media in (YAML, "application/x-yaml", "text/yaml")
        if not yaml and media not in (JSON, "*/*", "application/*", ""):
            continue
        if given.get("q") in ("0", "0.0", "0.00", "0.000"):
            continue
        if "as" not in given:
            if given.get("stream", "watch") == "watch":
                return Form(yaml)
            continue
        kind, version, group = given["as"], given.get("v", ""), given.get("g", "")
        if kind in _KINDS and group == "meta.k8s.io" and version in ("v1", "v1beta1"):
            return Form(yaml, kind, f"{group}/{version}")
    return None
