import pytest

from strongroom.machinery.request_info import RequestInfo, UserInfo
from strongroom.server.authorization.authorizer import Decision
from strongroom.server.authorization.system_roles import SystemRolesAuthorizer

SCHEDULER = UserInfo("system:kube-scheduler", groups=("system:authenticated",))
CONTROLLERS = UserInfo("system:kube-controller-manager", groups=("system:authenticated",))
SOMEBODY = UserInfo("jane", groups=("system:authenticated",))
NOBODY = UserInfo("system:anonymous", groups=("system:unauthenticated",))
POD_ACCOUNT = UserInfo(
    "system:serviceaccount:default:default", groups=("system:serviceaccounts", "system:authenticated")
)


def _allowed(user: UserInfo, verb: str, what: str) -> bool:
    if what.startswith("/"):
        info = RequestInfo(False, verb, what)
    else:
        resource, _, subresource = what.partition("/")
        info = RequestInfo(True, verb, "", "", "v1", "default", resource, subresource, "x")
    return SystemRolesAuthorizer().authorize(user, info).decision is Decision.ALLOW


@pytest.mark.parametrize(
    ("verb", "what"),
    [
        ("list", "pods"),
        ("watch", "nodes"),
        ("create", "pods/binding"),
        ("patch", "pods/status"),
        ("create", "events"),
    ],
)
def test_scheduler(verb: str, what: str) -> None:
    assert _allowed(SCHEDULER, verb, what)


@pytest.mark.parametrize(
    ("verb", "what"),
    [
        ("get", "secrets"),
        ("list", "secrets"),
        ("create", "pods"),
        ("update", "pods"),
        ("create", "pods/exec"),
    ],
)
def test_scheduler_has_no_business_with(verb: str, what: str) -> None:
    assert not _allowed(SCHEDULER, verb, what)


@pytest.mark.parametrize(
    ("verb", "what"),
    [
        ("create", "serviceaccounts"),
        ("create", "configmaps"),
        ("update", "namespaces/finalize"),
        ("deletecollection", "secrets"),
        ("delete", "pods"),
        ("update", "namespaces/status"),
    ],
)
def test_controllers(verb: str, what: str) -> None:
    assert _allowed(CONTROLLERS, verb, what)


@pytest.mark.parametrize(
    ("verb", "what"),
    [
        ("get", "secrets"),
        ("watch", "secrets"),
        ("create", "secrets"),
        ("create", "pods/exec"),
        ("create", "nodes"),
    ],
)
def test_controllers_have_no_business_with(verb: str, what: str) -> None:
    assert not _allowed(CONTROLLERS, verb, what)


def test_the_garbage_collector_looks_and_deletes_and_makes_nothing() -> None:
    collector = UserInfo("system:controller:generic-garbage-collector", groups=("system:authenticated",))
    for verb in ("get", "list", "watch", "patch", "delete"):
        assert _allowed(collector, verb, "secrets")
    for verb, what in (("create", "secrets"), ("update", "secrets"), ("create", "pods/exec")):
        assert not _allowed(collector, verb, what)
    for what in ("pods/exec", "serviceaccounts/token", "secrets/status"):
        assert not _allowed(POD_ACCOUNT, "create", what)


def test_who_counts_for_quotas_lists_and_changes_nothing_but_their_status() -> None:
    counter = UserInfo("system:controller:resourcequota-controller", groups=("system:authenticated",))
    assert _allowed(counter, "list", "secrets")
    assert _allowed(counter, "update", "resourcequotas/status")
    for verb, what in (("get", "secrets"), ("delete", "secrets"), ("update", "resourcequotas")):
        assert not _allowed(counter, verb, what)


def test_who_fills_token_secrets_lists_none_and_makes_none() -> None:
    filler = UserInfo("system:controller:tokens-controller", groups=("system:authenticated",))
    for verb in ("get", "update", "delete"):
        assert _allowed(filler, verb, "secrets")
    for verb in ("list", "watch", "create", "deletecollection"):
        assert not _allowed(filler, verb, "secrets")
    assert not _allowed(filler, "create", "serviceaccounts/token")


@pytest.mark.parametrize("path", ["/version", "/version/", "/readyz", "/livez", "/healthz"])
def test_health_and_version_need_no_role_that_could_be_lost(path: str) -> None:
    for user in (SOMEBODY, NOBODY):
        assert _allowed(user, "get", path)
        assert not _allowed(user, "post", path)


def test_single_checks_of_health_are_for_those_who_monitor() -> None:
    for user in (SOMEBODY, NOBODY):
        for path in ("/readyz/ping", "/livez/etcd", "/healthzx"):
            assert not _allowed(user, "get", path)


def test_discovery_is_a_role_that_can_be_taken_away() -> None:
    for path in ("/api", "/api/v1", "/apis", "/openapi/v3/api/v1"):
        assert not _allowed(SOMEBODY, "get", path)


@pytest.mark.parametrize("user", [SOMEBODY, NOBODY, POD_ACCOUNT])
def test_no_rights_without_a_role(user: UserInfo) -> None:
    for verb in ("get", "list", "create", "delete"):
        for what in ("secrets", "pods", "namespaces", "configmaps"):
            assert not _allowed(user, verb, what)
    assert not _allowed(user, "get", "/metrics")
