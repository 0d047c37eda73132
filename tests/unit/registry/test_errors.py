import pytest

from strongroom.registry import errors
from strongroom.store import errors as store_errors
from strongroom.testing import api_server


@pytest.mark.parametrize(
    ("failure", "code", "text"),
    [
        (
            store_errors.Unreadable("/registry/secrets/n/a", "it does not open"),
            500,
            "/registry/secrets/n/a: it does not open",
        ),
        (store_errors.Unavailable("disk full"), 503, "the store is unavailable: disk full"),
        (store_errors.FutureRevision(5, 4), 504, "context deadline exceeded"),
        (store_errors.KeyExists("/k"), 500, "key exists"),
    ],
)
def test_each_error_of_the_store_is_a_status(failure: Exception, code: int, text: str) -> None:
    found = errors.to_status(failure)
    assert found is not None
    assert found.code == code
    assert text in found.message


def test_other_errors_are_not_ours() -> None:
    assert errors.to_status(ValueError()) is None


async def test_unreadable_secret_is_an_error_and_no_empty_secret() -> None:

    async with api_server.running() as server:
        await server.objects.create("/registry/secrets/default/bad", b"not an object")
        answer = await server.get("/api/v1/namespaces/default/secrets/bad")
        assert answer.status == 500
        assert "/registry/secrets/default/bad" in answer.json["message"]
        assert (await server.get("/api/v1/namespaces/default/secrets")).status == 500
        assert (await server.get("/api/v1/namespaces/kube-system/secrets")).status == 200
