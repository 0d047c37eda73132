"""Image references, as `distribution/reference` reads them."""

import re
from dataclasses import dataclass

DEFAULT_DOMAIN = "docker.io"
_LEGACY_DOMAIN = "index.docker.io"
_OFFICIAL = "library/"
_IDENTIFIER = re.compile(r"[a-f0-9]{64}")
_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])"
_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?P<domain>{_HOST}(?::[0-9]+)?)/(?P<path>{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?"
    r"(?:@(?P<digest>[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?",
    re.ASCII,
)
_MAX_NAME = 255


class InvalidReferenceError(ValueError):
    """Not an image reference; `str()` says why."""


@dataclass(frozen=True, slots=True)
class Reference:
    """The parts of a reference: `docker.io`, `library/nginx`; tag and digest are "" where it has none."""

    domain: str
    path: str
    tag: str
    digest: str

    @property
    def name(self) -> str:
        """`docker.io/library/nginx`: what credentials are looked up for."""
        return f"{self.domain}/{self.path}"


def parse(image: str) -> Reference:
    """Read `image` as a pod names it. Raises `InvalidReferenceError`."""
    if _IDENTIFIER.fullmatch(image):
        raise InvalidReferenceError(
            f"invalid repository name ({image}), cannot specify 64-byte hexadecimal strings"
        )
    domain, remainder = _split_domain(image)
    repository = remainder.partition(":")[0]
    if repository != repository.lower():
        raise InvalidReferenceError(
            f"invalid reference format: repository name ({repository}) must be lowercase"
        )
    found = _REFERENCE.fullmatch(f"{domain}/{remainder}")
    if found is None:
        raise InvalidReferenceError("invalid reference format")
    reference = Reference(found["domain"], found["path"], found["tag"] or "", found["digest"] or "")
    if len(reference.name) > _MAX_NAME:
        raise InvalidReferenceError("repository name must not be more than 255 characters")
    return reference


def with_default_tag(image: str) -> str:
    """`image` with `:latest` if it has neither tag nor digest. Raises `InvalidReferenceError`."""
    reference = parse(image)
    return image if reference.tag or reference.digest else f"{image}:latest"


def _split_domain(image: str) -> tuple[str, str]:
    first, slash, rest = image.partition("/")
    named = slash and ("." in first or ":" in first or first == "localhost" or first != first.lower())
    domain, remainder = (first, rest) if named else (DEFAULT_DOMAIN, image)
    if domain == _LEGACY_DOMAIN:
        domain = DEFAULT_DOMAIN
    if domain == DEFAULT_DOMAIN and "/" not in remainder:
        remainder = _OFFICIAL + remainder
    return domain, remainder
