"""Rules for names, labels and keys: each function gives the messages of the rules that a text breaks.

An empty list means valid. Texts are those of `apimachinery/pkg/util/validation` and `api/validate/content`.
"""

import re
from collections.abc import Callable
from typing import Protocol

LABEL_MAX = 63
SUBDOMAIN_MAX = 253
PORT_NAME_MAX = 15


class NameRule(Protocol):
    """Messages for an object's name; with `prefix`, for a `generateName`, which may end in a dash."""

    def __call__(self, name: str, *, prefix: bool = False) -> list[str]: ...


_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = _LABEL + r"(\." + _LABEL + ")*"
_LABEL_UNDERSCORE = r"_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
_SUBDOMAIN_UNDERSCORE = _LABEL_UNDERSCORE + r"(\." + _LABEL_UNDERSCORE + ")*"
_LABEL_1035 = r"[a-z]([-a-z0-9]*[a-z0-9])?"
_QUALIFIED = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_VALUE = "(" + _QUALIFIED + ")?"
_CONFIG_KEY = r"[-._a-zA-Z0-9]+"
_HEADER = r"[-A-Za-z0-9]+"
_PERCENT = "[0-9]+%"

Matcher = Callable[[str], re.Match[str] | None]


def _matcher(pattern: str) -> Matcher:
    return re.compile(pattern).fullmatch


_PLAIN = "abcdefghijklmnopqrstuvwxyz0123456789-"
_is_label = _matcher(_LABEL)
_is_subdomain = _matcher(_SUBDOMAIN)
_is_subdomain_underscore = _matcher(_SUBDOMAIN_UNDERSCORE)
_is_label_1035 = _matcher(_LABEL_1035)
_is_qualified = _matcher(_QUALIFIED)
_is_label_value = _matcher(_LABEL_VALUE)
_is_config_key = _matcher(_CONFIG_KEY)
_is_header = _matcher(_HEADER)
_is_percent = _matcher(_PERCENT)
_is_port_name = _matcher(r"[-a-z0-9]+")


def _regex_error(text: str, pattern: str, *examples: str) -> str:
    # The two blanks between examples are upstream's.
    shown = " or ".join(f"'{example}', " for example in examples)
    return f"{text} (e.g. {shown}regex used for validation is '{pattern}')"


_LABEL_TEXT = _regex_error(
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start "
    "and end with an alphanumeric character",
    _LABEL, "my-name", "123-abc",
)  # fmt: skip
_SUBDOMAIN_TEXT = _regex_error(
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
    "start and end with an alphanumeric character",
    _SUBDOMAIN, "example.com",
)  # fmt: skip
_SUBDOMAIN_UNDERSCORE_TEXT = _regex_error(
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and "
    "must start and end with an alphanumeric character",
    _SUBDOMAIN_UNDERSCORE, "example.com",
)  # fmt: skip
_LABEL_1035_TEXT = _regex_error(
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic "
    "character, and end with an alphanumeric character",
    _LABEL_1035, "my-name", "abc-123",
)  # fmt: skip
_QUALIFIED_TEXT = _regex_error(
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character",
    _QUALIFIED, "MyName", "my.name", "123-abc",
)  # fmt: skip
_LABEL_VALUE_TEXT = _regex_error(
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
    "start and end with an alphanumeric character",
    _LABEL_VALUE, "MyValue", "my_value", "12345",
)  # fmt: skip
_CONFIG_KEY_TEXT = _regex_error(
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
    _CONFIG_KEY, "key.name", "KEY_NAME", "key-name",
)  # fmt: skip
_HEADER_TEXT = _regex_error(
    "a valid HTTP header must consist of alphanumeric characters or '-'", _HEADER, "X-Header-Name"
)
_PERCENT_TEXT = _regex_error(
    "a valid percent string must be a numeric string followed by an ending '%'", _PERCENT, "1%", "93%"
)
ENV_VAR_TEXT = (
    "a valid environment variable name must consist only of printable ASCII characters other than '='"
)


def size(text: str) -> int:
    """Length in bytes of UTF-8, as Go counts."""
    return len(text) if text.isascii() else len(text.encode())


def max_length(limit: int) -> str:
    return f"must be no more than {limit} characters"


def _max_bytes(limit: int) -> str:
    """The same of labels: upstream has two texts."""
    return f"must be no more than {limit} bytes"


def in_range(low: int, high: int) -> str:
    return f"must be between {low} and {high}, inclusive"


def _without_dash(name: str) -> str:
    # A generateName gets characters appended, so a closing dash (and what precedes it) is fine.
    return name[:-2] + "a" if len(name) > 1 and name.endswith("-") else name


def _is_plain(name: str) -> bool:
    """Whether it is a subdomain without dots; in a fraction of the time that a pattern takes."""
    return name != "" and not name.strip(_PLAIN) and name[0] != "-" and name[-1] != "-"


def dns1123_subdomain(name: str, *, prefix: bool = False) -> list[str]:
    """The rule for most objects' names."""
    if prefix:
        name = _without_dash(name)
    if len(name) <= SUBDOMAIN_MAX and (_is_plain(name) or _is_subdomain(name)):
        return []
    messages = [max_length(SUBDOMAIN_MAX)] if size(name) > SUBDOMAIN_MAX else []
    if not _is_subdomain(name):
        messages.append(_SUBDOMAIN_TEXT)
    return messages


def dns1123_subdomain_with_underscore(name: str) -> list[str]:
    """The rule for domains that are searched."""
    messages = [max_length(SUBDOMAIN_MAX)] if size(name) > SUBDOMAIN_MAX else []
    if not _is_subdomain_underscore(name):
        messages.append(_SUBDOMAIN_UNDERSCORE_TEXT)
    return messages


def dns1123_label(name: str, *, prefix: bool = False) -> list[str]:
    """The rule for namespaces, containers and volumes."""
    if prefix:
        name = _without_dash(name)
    messages = [max_length(LABEL_MAX)] if size(name) > LABEL_MAX else []
    if not _is_label(name):
        messages.append("must not contain dots" if _is_subdomain(name) else _LABEL_TEXT)
    return messages


def dns1035_label(name: str, *, prefix: bool = False) -> list[str]:
    """The rule for Services."""
    if prefix:
        name = _without_dash(name)
    messages = [max_length(LABEL_MAX)] if size(name) > LABEL_MAX else []
    if not _is_label_1035(name):
        messages.append(_LABEL_1035_TEXT)
    return messages


def path_segment(name: str, *, prefix: bool = False) -> list[str]:
    """What can't be a segment of a URL: the least that any name must keep (all that RBAC objects must)."""
    messages = []
    if not prefix and name in (".", ".."):
        return [f"may not be '{name}'"]
    for char in "/%":
        if char in name:
            messages.append(f"may not contain '{char}'")
    return messages


def qualified_name(text: str) -> list[str]:
    """`[prefix/]name`: keys of labels, finalizers; annotations' keys when lower-cased."""
    head, slash, name = text.rpartition("/")
    messages: list[str] = []
    if not slash:
        name = text
    elif "/" in head:
        return [
            f"a valid label key {_QUALIFIED_TEXT} with an optional DNS subdomain prefix and '/' "
            "(e.g. 'example.com/MyName')"
        ]
    elif not head:
        messages.append("prefix part must be non-empty")
    else:
        messages += [
            "prefix part " + message.replace(max_length(SUBDOMAIN_MAX), _max_bytes(SUBDOMAIN_MAX))
            for message in dns1123_subdomain(head)
        ]
    if not name:
        messages.append("name part must be non-empty")
    elif size(name) > LABEL_MAX:
        messages.append("name part " + _max_bytes(LABEL_MAX))
    if not _is_qualified(name):
        messages.append("name part " + _QUALIFIED_TEXT)
    return messages


def label_value(text: str) -> list[str]:
    if len(text) <= LABEL_MAX and text.isascii() and (text.isalnum() or _is_label_value(text)):
        return []
    messages = [_max_bytes(LABEL_MAX)] if size(text) > LABEL_MAX else []
    if not _is_label_value(text):
        messages.append(_LABEL_VALUE_TEXT)
    return messages


def config_map_key(key: str) -> list[str]:
    """Keys of a Secret's or ConfigMap's data: they become file names."""
    if len(key) <= SUBDOMAIN_MAX and not key.startswith(".") and _is_config_key(key):
        return []
    messages = [max_length(SUBDOMAIN_MAX)] if size(key) > SUBDOMAIN_MAX else []
    if not _is_config_key(key):
        messages.append(_CONFIG_KEY_TEXT)
    if key in (".", ".."):
        messages.append(f"must not be '{key}'")
    elif key.startswith(".."):
        messages.append("must not start with '..'")
    return messages


def env_var_name(name: str) -> list[str]:
    """Printable ASCII but `=` (KEP-4369)."""
    messages = [] if name else ["environment variable name must be non-empty"]
    if "=" in name or not name.isascii() or not name.isprintable():
        messages.append(ENV_VAR_TEXT)
    return messages


def http_header_name(name: str) -> list[str]:
    return [] if _is_header(name) else [_HEADER_TEXT]


def percent(text: str) -> list[str]:
    """A share, such as `25%`."""
    return [] if _is_percent(text) else [_PERCENT_TEXT]


def port_name(name: str) -> list[str]:
    """IANA service names, as container ports carry them."""
    messages = [max_length(PORT_NAME_MAX)] if size(name) > PORT_NAME_MAX else []
    if not _is_port_name(name):
        messages.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not any("a" <= char <= "z" for char in name):
        messages.append("must contain at least one letter (a-z)")
    if "--" in name:
        messages.append("must not contain consecutive hyphens")
    if name.startswith("-") or name.endswith("-"):
        messages.append("must not begin or end with a hyphen")
    return messages


def port_number(port: int) -> list[str]:
    return [] if 1 <= port <= 65535 else [in_range(1, 65535)]


def relative_path(path: str) -> list[str]:
    """A path inside a volume: relative, and never up."""
    messages = ["must be a relative path"] if path.startswith("/") else []
    return [*messages, "must not contain '..'"] if ".." in path.split("/") else messages
