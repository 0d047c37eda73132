import pytest

from strongroom.testing.api_server import APIServer


@pytest.mark.parametrize("path", ["/readyz/", "/livez/ping", "/readyz/etcd", "/healthz/ping"])
async def test_single_checks_are_for_those_who_monitor(server: APIServer, path: str) -> None:
    assert (await server.get(path, token="")).status == 403
    answer = await server.get(path)
    assert (answer.status, answer.text) == (200, "ok")


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz"])
async def test_ok_for_anybody(server: APIServer, path: str) -> None:
    answer = await server.get(path, token="")
    assert answer.status == 200
    assert answer.text == "ok"
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


async def test_verbose(server: APIServer) -> None:
    answer = await server.get("/readyz?verbose")
    assert answer.text == "[+]ping ok\n[+]log ok\n[+]etcd ok\n[+]shutdown ok\nreadyz check passed\n"
    excluded = await server.get("/readyz?verbose=1&exclude=etcd")
    assert "[+]etcd excluded: ok\n" in excluded.text


async def test_shutting_down_is_not_ready_but_alive(server: APIServer) -> None:
    await server.app.close()
    answer = await server.get("/readyz")
    assert answer.status == 500
    assert "[-]shutdown failed: reason withheld\n" in answer.text
    assert answer.text.endswith("readyz check failed\n")
    assert (await server.get("/livez")).status == 200
    assert (await server.get("/readyz?exclude=shutdown")).status == 200


async def test_store_that_is_lost_is_not_ready(server: APIServer) -> None:
    server.cache.ready = False
    answer = await server.get("/readyz")
    assert answer.status == 500
    assert "[-]etcd failed: reason withheld\n" in answer.text
    assert (await server.get("/readyz/etcd")).status == 500
    assert (await server.get("/readyz/ping")).status == 200
