"""Lifecycle hooks."""

import pytest

from strongroom.machinery.gvk import Object
from strongroom.node import hooks
from strongroom.node.cri.errors import CRIError
from strongroom.node.exec_sync import RuntimeExecSync
from strongroom.testing.fake_cri import FakeCRI

CONTAINER: Object = {"name": "c", "ports": [{"name": "web", "containerPort": 8080}]}


@pytest.mark.parametrize(
    ("request_", "address"),
    [
        ({"port": "web", "path": "/x"}, "http://10.0.0.1:8080/x"),
        ({"port": 80}, "http://10.0.0.1:80/"),
        ({"port": 443, "scheme": "HTTPS", "host": "h", "path": "y"}, "https://h:443/y"),
        ({"port": 80, "host": "::1"}, "http://[::1]:80/"),
    ],
)
def test_where_http_goes(request_: Object, address: str) -> None:
    assert hooks.url(request_, CONTAINER, "10.0.0.1") == address


async def test_exec() -> None:
    cri = FakeCRI()
    handler = {"exec": {"command": ["sh", "-c", "x"]}}
    await hooks.run(RuntimeExecSync(cri), handler, CONTAINER, "id", "")
    assert ("exec_sync", "sh -c x") in cri.calls
    cri.exec_exit_code = 3
    with pytest.raises(hooks.HookError, match="command exited with 3"):
        await hooks.run(RuntimeExecSync(cri), handler, CONTAINER, "id", "")


async def test_exec_that_cannot_run() -> None:
    def fail(call: str, _: str) -> None:
        raise CRIError("Unknown", "with what the hook printed")

    with pytest.raises(hooks.HookError) as error:
        await hooks.run(
            RuntimeExecSync(FakeCRI(fail=fail)), {"exec": {"command": ["x"]}}, CONTAINER, "id", ""
        )
    assert str(error.value) == "the command could not be run (Unknown)"


async def test_http_that_is_not_answered() -> None:
    with pytest.raises(hooks.HookError):
        await hooks.run(
            RuntimeExecSync(FakeCRI()), {"httpGet": {"port": 1, "host": "127.0.0.1"}}, CONTAINER, "id", ""
        )


async def test_sleep_of_no_time() -> None:
    await hooks.run(RuntimeExecSync(FakeCRI()), {"sleep": {"seconds": 0}}, CONTAINER, "id", "")


async def test_a_handler_that_nobody_runs_fails() -> None:
    runner = RuntimeExecSync(FakeCRI())
    with pytest.raises(hooks.HookError, match="invalid handler"):
        await hooks.run(runner, {"tcpSocket": {"port": 80}}, CONTAINER, "id", "")
