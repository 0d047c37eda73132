"""Names, keys and labels, with Kubernetes' exact words."""

import pytest

from strongroom.machinery import names

SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
LABEL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start "
    "and "
    "end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
LABEL_1035 = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic "
    "character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for "
    "validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
)
QUALIFIED = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
VALUE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used "
    "for "
    "validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
KEY = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or "
    "'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)


@pytest.mark.parametrize("name", ["a", "0", "a-b", "a.b.c", "x" * 253, "1.2"])
def test_subdomains(name: str) -> None:
    assert names.dns1123_subdomain(name) == []


@pytest.mark.parametrize("name", ["", "A", "a_b", "-a", "a-", "a..b", ".a", "a.", "é", "a b", "a\n"])
def test_no_subdomains(name: str) -> None:
    assert names.dns1123_subdomain(name) == [SUBDOMAIN]


def test_long_subdomain() -> None:
    assert names.dns1123_subdomain("x" * 254) == ["must be no more than 253 characters"]
    assert names.dns1123_subdomain("X" * 254) == ["must be no more than 253 characters", SUBDOMAIN]


@pytest.mark.parametrize("prefix", ["a-", "ab--", "a.b-"])
def test_a_generate_name_may_end_in_a_dash(prefix: str) -> None:
    assert names.dns1123_subdomain(prefix, prefix=True) == []
    assert names.dns1123_subdomain(prefix) == [SUBDOMAIN]


def test_labels() -> None:
    assert names.dns1123_label("a-1") == []
    assert names.dns1123_label("a-", prefix=True) == []
    assert names.dns1123_label("a.b") == ["must not contain dots"]
    assert names.dns1123_label("A") == [LABEL]
    assert names.dns1123_label("a" * 64) == ["must be no more than 63 characters"]
    assert names.dns1035_label("a1") == []
    assert names.dns1035_label("1a") == [LABEL_1035]
    assert names.dns1035_label("a" * 64) == ["must be no more than 63 characters"]


@pytest.mark.parametrize(
    ("name", "messages"),
    [
        (".", ["may not be '.'"]),
        ("..", ["may not be '..'"]),
        ("a/b%", ["may not contain '/'", "may not contain '%'"]),
        ("system:node", []),
    ],
)
def test_path_segments(name: str, messages: list[str]) -> None:
    assert names.path_segment(name) == messages


def test_dots_are_fine_as_a_prefix() -> None:
    assert names.path_segment("..", prefix=True) == []


@pytest.mark.parametrize("name", ["a", "A_b.c-d", "example.com/a", "1/2", "x" * 63])
def test_qualified_names(name: str) -> None:
    assert names.qualified_name(name) == []


@pytest.mark.parametrize(
    ("name", "messages"),
    [
        ("", ["name part must be non-empty", f"name part {QUALIFIED}"]),
        ("/a", ["prefix part must be non-empty"]),
        ("a/", ["name part must be non-empty", f"name part {QUALIFIED}"]),
        ("A/a", [f"prefix part {SUBDOMAIN}"]),
        ("-a", [f"name part {QUALIFIED}"]),
        ("x" * 64, ["name part must be no more than 63 bytes"]),
        ("a." * 127 + "a/b", ["prefix part must be no more than 253 bytes"]),
        (
            "a/b/c",
            [
                f"a valid label key {QUALIFIED} with an optional DNS subdomain prefix and '/' "
                "(e.g. 'example.com/MyName')"
            ],
        ),
    ],
)
def test_broken_qualified_names(name: str, messages: list[str]) -> None:
    assert names.qualified_name(name) == messages


def test_label_values() -> None:
    assert names.label_value("") == names.label_value("a_B.1") == []
    assert names.label_value("-a") == [VALUE]
    assert names.label_value("a" * 64) == ["must be no more than 63 bytes"]


@pytest.mark.parametrize(
    ("key", "messages"),
    [
        ("a", []),
        (".hidden", []),
        ("A_b-C.d", []),
        ("", [KEY]),
        ("a b", [KEY]),
        ("a/b", [KEY]),
        ("é", [KEY]),
        (".", ["must not be '.'"]),
        ("..", ["must not be '..'"]),
        ("..a", ["must not start with '..'"]),
        ("x" * 254, ["must be no more than 253 characters"]),
        ("a\n", [KEY]),
    ],
)
def test_config_map_keys(key: str, messages: list[str]) -> None:
    assert names.config_map_key(key) == messages


@pytest.mark.parametrize("name", ["A", "a-b.c", "1", "a b", "~!@#$%^&*()"])
def test_env_var_names(name: str) -> None:
    assert names.env_var_name(name) == []


@pytest.mark.parametrize("name", ["a=b", "é", "a\tb", "\x7f"])
def test_broken_env_var_names(name: str) -> None:
    assert names.env_var_name(name) == [
        "a valid environment variable name must consist only of printable ASCII characters other than '='"
    ]


def test_empty_env_var_name() -> None:
    assert names.env_var_name("") == ["environment variable name must be non-empty"]


def test_http_header_names() -> None:
    assert names.http_header_name("X-Forwarded-For") == []
    assert names.http_header_name("X Y") == [
        "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex "
        "used for "
        "validation is '[-A-Za-z0-9]+')"
    ]


@pytest.mark.parametrize(
    ("name", "messages"),
    [
        ("http", []),
        ("a" * 16, ["must be no more than 15 characters"]),
        ("HTTP", ["must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)",
                  "must contain at least one letter (a-z)"]),
        ("80", ["must contain at least one letter (a-z)"]),
        ("a--b", ["must not contain consecutive hyphens"]),
        ("-a", ["must not begin or end with a hyphen"]),
    ],
)  # fmt: skip
def test_port_names(name: str, messages: list[str]) -> None:
    assert names.port_name(name) == messages


def test_port_numbers() -> None:
    assert names.port_number(1) == names.port_number(65535) == []
    assert names.port_number(0) == names.port_number(65536) == ["must be between 1 and 65535, inclusive"]


@pytest.mark.parametrize(
    ("path", "messages"),
    [
        ("a/b", []),
        ("a..b", []),
        ("/a", ["must be a relative path"]),
        ("a/../b", ["must not contain '..'"]),
        ("..", ["must not contain '..'"]),
    ],
)
def test_relative_paths(path: str, messages: list[str]) -> None:
    assert names.relative_path(path) == messages
