import pytest

from strongroom.server import access_counts
from strongroom.server.access_counts import AccessCounts, Attempts
from strongroom.telemetry.metrics import Histogram
from strongroom.testing.api_server import APIServer

SECRETS = "/api/v1/namespaces/default/secrets"


def _shown(counts: AccessCounts, name: str) -> dict[str, float]:
    family = next(each for each in counts.families() if each.name == name)
    return {
        labels[0]: sum(value.counts) if isinstance(value, Histogram) else value
        for labels, value in family.samples
    }


def test_of_users_only_those_that_kubernetes_gives_are_told() -> None:
    counts = AccessCounts()
    for name in (
        "admin",
        "kubelet",
        "canary",
        "canary@example.com",
        "system:serviceaccount:a:canary",
        "canary",
    ):
        counts.first(name)
    assert _shown(counts, "authenticated_user_requests") == {
        "admin": 1,
        "kubelet": 1,
        "email_id": 1,
        "other": 3,
    }


def test_users_without_end_are_counted_and_not_kept() -> None:
    counts = AccessCounts()
    number = 3 * access_counts._USERS_MAX
    for user in range(number):
        counts.first(f"user{user}")
        if not user % 2:
            counts.first(f"user{user}@example.com")
    assert len(counts.users) <= access_counts._USERS_MAX
    assert _shown(counts, "authenticated_user_requests") == {"email_id": number // 2, "other": number}


def test_some_are_timed_and_stand_for_the_others() -> None:
    attempts = Attempts()
    attempts.timed.observe(0.0002)
    attempts.timed.observe(0.0004)
    attempts.waited.observe(5.0)
    told = attempts.told(101)
    assert told.counts[0] == 100 and sum(told.counts) == 101
    assert told.total == pytest.approx(0.03 + 5.0)
    attempts.timed.observe(0.0012)
    assert attempts.told(101).counts[:2] == [99, 1]
    assert sum(Attempts().told(0).counts) == 0


async def test_one_of_64_is_timed(server: APIServer) -> None:
    for token in ("nobody", "canary"):
        for _ in range(200):
            await server.get(f"{SECRETS}/a", token=token)
    access = server.app.access
    assert (access.users["nobody"], access.failures) == (200, 200)
    assert sum(access.succeeded.timed.counts) in (3, 4)
    # Who fails first is timed the next time; what succeeds meanwhile is timed too.
    assert sum(access.failed.timed.counts) == 4
    assert 0 < access.failed.timed.total < 1


async def test_who_is_known_and_who_may(server: APIServer) -> None:
    def lines(text: str) -> list[str]:
        names = ("authentic", "authoriz")
        return [each for each in text.splitlines() if each.startswith(names) and "_bucket" not in each]

    before = set(lines((await server.get("/metrics")).text))
    await server.get(f"{SECRETS}/a")
    await server.get(f"{SECRETS}/a", token="nobody")
    await server.get(f"{SECRETS}/a", token="canary")
    after = lines((await server.get("/metrics")).text)
    assert [each for each in after if "_sum" not in each and each not in before] == [
        'authenticated_user_requests{username="other"} 4.0',
        'authentication_attempts{result="failure"} 1.0',
        'authentication_attempts{result="success"} 4.0',
        'authentication_duration_seconds_count{result="failure"} 1.0',
        'authentication_duration_seconds_count{result="success"} 4.0',
        'authorization_attempts_total{result="allowed"} 3.0',
        'authorization_attempts_total{result="no-opinion"} 1.0',
    ]
