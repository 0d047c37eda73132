"""TLS and authentication between a server and a real etcd; what is wrong with them is told in one line."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.store import errors
from strongroom.store.engines.etcd.endpoint import EndpointError, parse
from strongroom.store.engines.etcd.engine import EtcdEngine
from strongroom.testing import etcd as etcds
from strongroom.testing.certificates import TestAuthority
from strongroom.testing.engine_contract.base import running, take, watching
from strongroom.testing.etcd import Etcd

pytestmark = pytest.mark.skipif(bool(etcds.missing()), reason=etcds.missing())


@pytest.fixture
def ours(tmp_path: Path) -> TestAuthority:
    return TestAuthority(tmp_path / "ours")


@pytest.fixture
def strange(tmp_path: Path) -> TestAuthority:
    return TestAuthority(tmp_path / "strange", "strange-ca")


@pytest.fixture
def etcd(ours: TestAuthority) -> Iterator[Etcd]:
    """Takes only clients with a certificate of our authority."""
    with Etcd(flags=serving(ours, "server", "--client-cert-auth"), tls=True) as running_one:
        yield running_one


def serving(authority: TestAuthority, name: str, *more: str, address: str = "127.0.0.1") -> list[str]:
    pair = authority.issue(name, address)
    files = ["--cert-file", str(pair.certificate), "--key-file", str(pair.key)]
    return [*files, *more, "--trusted-ca-file", str(authority.certificate)]


async def refusal(url: str) -> str:
    with pytest.raises(errors.Unavailable) as refused:
        async with running(lambda: EtcdEngine(parse(url))):
            pass
    assert "\n" not in str(refused.value)
    return str(refused.value)


async def works(url: str) -> None:
    async with running(lambda: EtcdEngine(parse(url))) as engine:
        before = await engine.current_revision()
        revision = await engine.create(f"/registry/{before}", b"1")
        async with watching(engine, "/registry/", before) as events:
            assert [event.kv.mod_revision for event in await take(events, 1)] == [revision]


async def test_with_a_certificate_of_the_authority_it_works(etcd: Etcd, ours: TestAuthority) -> None:
    pair = ours.issue("strongroom")
    await works(f"{etcd.url}?ca={ours.certificate}&cert={pair.certificate}&key={pair.key}")


async def test_another_authority_is_not_trusted(
    etcd: Etcd, ours: TestAuthority, strange: TestAuthority
) -> None:
    pair = ours.issue("strongroom")
    said = await refusal(f"{etcd.url}?ca={strange.certificate}&cert={pair.certificate}&key={pair.key}")
    assert "its certificate is not trusted: unable to get local issuer certificate" in said
    assert "its certificate is not trusted" in await refusal(etcd.url), "the system's authorities, too"


async def test_clients_it_does_not_know_are_told_so(
    etcd: Etcd, ours: TestAuthority, strange: TestAuthority
) -> None:
    told = "takes no client without a certificate (cert=F, key=F) that its authority signed"
    assert told in await refusal(f"{etcd.url}?ca={ours.certificate}")
    pair = strange.issue("strongroom")
    assert told in await refusal(f"{etcd.url}?ca={ours.certificate}&cert={pair.certificate}&key={pair.key}")


async def test_a_wrong_scheme_is_told(etcd: Etcd, ours: TestAuthority) -> None:
    assert "speaks TLS: write etcds://" in await refusal(etcd.url.replace("etcds://", "etcd://"))
    with Etcd() as plain:
        url = plain.url.replace("etcd://", "etcds://")
        assert "does not speak TLS: write etcd://" in await refusal(f"{url}?ca={ours.certificate}")


async def test_a_certificate_for_another_host_is_not_trusted(ours: TestAuthority) -> None:
    with Etcd(flags=serving(ours, "elsewhere", address="127.0.0.9"), tls=True) as etcd:
        said = await refusal(f"{etcd.url}?ca={ours.certificate}")
    assert "IP address mismatch" in said


async def test_files_that_are_none_are_named(etcd: Etcd, ours: TestAuthority, tmp_path: Path) -> None:
    other, pair = ours.issue("other"), ours.issue("strongroom")
    said = await refusal(f"{etcd.url}?ca={ours.certificate}&cert={pair.certificate}&key={other.key}")
    assert "not certificates and a key that belong together" in said and str(other.key) in said
    with pytest.raises(EndpointError, match="ca: /absent: No such file"):
        await EtcdEngine(parse(f"{etcd.url}?ca=/absent")).start()


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Etcd]:
    """Authentication is on: `strongroom` may read and write all keys, `reader` may read."""
    with Etcd(flags=("--auth-token-ttl", "1")) as etcd:
        for name in ("root", "strongroom", "reader"):
            etcd.ask("auth/user/add", name=name, password=f"{name}-password")
        everything = {"key": "AA==", "range_end": "AA=="}
        for role, kind in (("writes", "READWRITE"), ("reads", "READ")):
            etcd.ask("auth/role/add", name=role)
            etcd.ask("auth/role/grant", name=role, perm={"permType": kind, **everything})
        for name, role in (("root", "root"), ("strongroom", "writes"), ("reader", "reads")):
            etcd.ask("auth/user/grant", user=name, role=role)
        etcd.ask("auth/enable")
        for name in ("strongroom", "reader", "wrong"):
            (tmp_path / name).write_text(f"{name}-password\n")
        yield etcd


async def test_a_user_with_its_password_works_beyond_the_life_of_a_token(
    guarded: Etcd, tmp_path: Path
) -> None:
    url = f"{guarded.url}?user=strongroom&password-file={tmp_path / 'strongroom'}"
    await works(url)
    async with running(lambda: EtcdEngine(parse(url))) as engine, watching(engine, "/registry/", 1) as events:
        before = await engine.current_revision()
        # Tokens end with the member that gave them.
        guarded.members[0].kill()
        guarded.start(guarded.members[0])
        await asyncio.to_thread(guarded.wait_until_healthy)
        assert await engine.create("/registry/after", b"") == before + 1
        assert [event.kv.key for event in await take(events, before)][-1] == "/registry/after"


async def test_a_wrong_password_and_none_are_told(guarded: Etcd, tmp_path: Path) -> None:
    said = await refusal(f"{guarded.url}?user=strongroom&password-file={tmp_path / 'wrong'}")
    assert said.endswith("authentication failed, invalid user ID or password")
    assert "wrong-password" not in said
    assert "user name is empty" in await refusal(guarded.url)
    with Etcd() as open_to_all:
        said = await refusal(f"{open_to_all.url}?user=strongroom&password-file={tmp_path / 'strongroom'}")
    assert "authentication is not enabled" in said


async def test_a_user_that_may_only_read_is_told_at_its_first_write(guarded: Etcd, tmp_path: Path) -> None:
    url = f"{guarded.url}?user=reader&password-file={tmp_path / 'reader'}"
    async with running(lambda: EtcdEngine(parse(url))) as engine:
        with pytest.raises(errors.Unavailable, match="permission denied"):
            await engine.create("/registry/a", b"")
