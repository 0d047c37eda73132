"""The flags that say who is known: kube-apiserver's names, defaults and refusals."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from strongroom.aio import tasks
from strongroom.aio.clock import SystemClock
from strongroom.cmd import authentication, control_plane, main, pki, settings
from strongroom.cmd.authentication import AuthenticationError, ConfigFile
from strongroom.server.authentication.oidc.authenticator import OIDCTokens
from strongroom.server.authentication.oidc.config import JWTAuthenticator, PrefixedClaim

URL = "https://issuer.example"
CONFIG = """
apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
jwt:
- issuer: {url: "https://issuer.example", audiences: [one]}
  claimMappings: {username: {claim: sub, prefix: "x:"}}
"""


def resolve(**flags: Any) -> authentication.Options:
    return authentication.resolve(**flags)


def one(**flags: Any) -> JWTAuthenticator:
    (made,) = resolve(oidc_issuer_url=URL, oidc_client_id="one", **flags).issuers
    return made


def test_nobody_else_is_known_unless_asked_for(tmp_path: Path) -> None:
    chosen = settings.resolve(listen="127.0.0.1:1", with_node=False, store="sqlite", data_dir=tmp_path)
    assert chosen.authentication == authentication.Options()


def test_the_least_flags_are_enough() -> None:
    assert one() == JWTAuthenticator(URL, ("one",), PrefixedClaim("sub", f"{URL}#"), algorithms=("RS256",))


@pytest.mark.parametrize(
    ("flags", "username"),
    [
        ({"oidc_username_claim": "email"}, PrefixedClaim("email", "")),
        ({"oidc_username_claim": "email", "oidc_username_prefix": "p:"}, PrefixedClaim("email", "p:")),
        ({"oidc_username_claim": "name"}, PrefixedClaim("name", f"{URL}#")),
        ({"oidc_username_prefix": "-"}, PrefixedClaim("sub", "")),
    ],
)
def test_names_are_prefixed_as_kube_apiserver_does(flags: dict[str, str], username: PrefixedClaim) -> None:
    assert one(**flags).username == username


def test_all_flags(tmp_path: Path) -> None:
    pki.Authority.open_or_create(tmp_path, SystemClock().now())
    made = one(
        oidc_ca_file=tmp_path / "ca.crt",
        oidc_groups_claim="groups",
        oidc_groups_prefix="g:",
        oidc_required_claim=("hd=example.com", "a=b=c"),
        oidc_signing_algs="ES256, RS512",
    )
    assert made.groups == PrefixedClaim("groups", "g:")
    assert made.required == {"hd": "example.com", "a": "b=c"}
    assert made.algorithms == ("ES256", "RS512")
    assert made.ca == (tmp_path / "ca.crt").read_text()


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        ({"oidc_issuer_url": URL}, "oidc-issuer-url and oidc-client-id must be specified together"),
        ({"oidc_client_id": "one"}, "oidc-issuer-url and oidc-client-id must be specified together"),
        ({"oidc_groups_claim": "g"}, "when any oidc-\\* flags are set"),
        ({"oidc_issuer_url": "http://a", "oidc_client_id": "one"}, "URL scheme must be https"),
        (
            {
                "oidc_issuer_url": "https://kubernetes.default.svc.cluster.local",
                "oidc_client_id": "one",
            },
            "URL must not overlap with disallowed issuers",
        ),
    ],
)
def test_flags_that_do_not_go_together_are_refused(flags: dict[str, Any], problem: str) -> None:
    with pytest.raises(AuthenticationError, match=problem):
        resolve(**flags)


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        ({"oidc_signing_algs": "HS256"}, 'unsupported signing alg: "HS256"'),
        ({"oidc_signing_algs": "none"}, 'unsupported signing alg: "none"'),
        ({"oidc_signing_algs": "RS256,"}, 'unsupported signing alg: ""'),
        ({"oidc_required_claim": ("hd",)}, "malformed pair, expect claim=value"),
        ({"oidc_required_claim": ("=x",)}, "malformed pair, expect claim=value"),
        ({"oidc_ca_file": Path("/nonexistent/ca")}, "/nonexistent/ca: No such file"),
        ({"oidc_ca_file": Path(os.devnull)}, "holds no certificate"),
        ({"oidc_ca_file": Path(__file__)}, "certificateAuthority: Invalid value"),
    ],
)
def test_a_flag_that_can_not_be_used_is_named(flags: dict[str, Any], problem: str) -> None:
    with pytest.raises(AuthenticationError, match=problem):
        one(**flags)


def test_a_file_goes_instead_of_the_flags_and_not_beside_them(tmp_path: Path) -> None:
    path = tmp_path / "authentication.yaml"
    path.write_text(CONFIG)
    chosen = resolve(authentication_config=path)
    assert chosen.config_file == path
    assert [each.username for each in chosen.issuers] == [PrefixedClaim("sub", "x:")]
    with pytest.raises(AuthenticationError, match="mutually exclusive"):
        resolve(authentication_config=path, oidc_client_id="one")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"kind: [", "not YAML"),
        (b"[" * 5000, "not YAML"),
        (b"kind: x", "apiVersion and kind must be"),
        (b"\xff\xfe", "not UTF-8"),
        (CONFIG.replace("prefix", "expression").encode(), "CEL is not supported"),
        (b"#" * (authentication.LIMIT + 1), "larger than 1 MiB"),
    ],
)
def test_a_file_that_can_not_be_used_is_one_line_that_names_it_and_exit_2(
    content: bytes, problem: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "authentication.yaml"
    path.write_bytes(content)
    assert main.main(["server", "--data-dir", str(tmp_path / "d"), "--authentication-config", str(path)]) == 2
    _, err = capsys.readouterr()
    assert problem in err and str(path) in err and len(err.splitlines()) == 1
    assert not (tmp_path / "d").exists()


def test_a_changed_file_is_taken_over_and_a_bad_one_is_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "authentication.yaml"
    path.write_text(CONFIG)
    file = ConfigFile(path, ())
    assert file.changed() is None
    path.write_text(CONFIG.replace('"x:"', '"y:"'))
    assert [each.username.prefix for each in file.changed() or ()] == ["y:"]
    assert file.changed() is None
    path.write_text("nonsense")
    assert file.changed() is None and file.changed() is None
    assert caplog.text.count("authentication stays as it was") == 1
    path.unlink()
    assert file.changed() is None
    path.write_text(CONFIG)
    assert [each.username.prefix for each in file.changed() or ()] == ["x:"]


async def test_a_server_takes_changes_over_while_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control_plane, "RELOAD_SECONDS", 0.01)
    path = tmp_path / "authentication.yaml"
    path.write_text(CONFIG)
    people = OIDCTokens((), SystemClock())
    taken = asyncio.Event()

    async def replace(issuers: Any) -> None:
        assert [each.username.prefix for each in issuers] == ["y:"]
        taken.set()

    monkeypatch.setattr(people, "replace", replace)
    async with tasks.TaskGroup("test") as group:
        group.spawn("follow", control_plane._follow(ConfigFile(path, ()), people))
        await asyncio.sleep(0.05)
        assert not taken.is_set()
        path.write_text(CONFIG.replace('"x:"', '"y:"'))
        await asyncio.wait_for(taken.wait(), 10)
