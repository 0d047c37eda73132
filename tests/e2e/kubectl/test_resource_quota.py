"""ResourceQuotas limit what a namespace holds, and tell how much that is."""

from strongroom.testing.kubectl import Kubectl

USED = "--for=jsonpath={.status.used.secrets}="


def test_a_quota_counts_refuses_and_lets_in_again(kubectl: Kubectl) -> None:
    created = kubectl.ok("create", "quota", "q", "--hard=secrets=1,limits.cpu=2000m")
    assert created == "resourcequota/q created\n"
    kubectl.ok("create", "secret", "generic", "a", "--from-literal=k=v")
    assert kubectl.fails("create", "secret", "generic", "b", "--from-literal=k=v") == (
        'error: failed to create secret secrets "b" is forbidden: exceeded quota: q, requested: secrets=1, '
        "used: secrets=1, limited: secrets=1\n"
    )
    kubectl.ok("delete", "secret", "a")
    kubectl.ok("wait", "quota/q", USED + "0", "--timeout=20s")
    kubectl.ok("create", "secret", "generic", "b", "--from-literal=k=v")


def test_create_and_show(kubectl: Kubectl) -> None:
    kubectl.ok("create", "secret", "generic", "a", "--from-literal=k=v")
    kubectl.ok("create", "quota", "q", "--hard=secrets=5,limits.cpu=2000m")
    kubectl.ok("wait", "quota/q", USED + "1", "--timeout=20s")
    header, row = kubectl.ok("get", "quota").splitlines()
    assert header.split() == ["NAME", "REQUEST", "LIMIT", "AGE"]
    assert row.split()[:5] == ["q", "secrets:", "1/5", "limits.cpu:", "0/2"]
    assert "secrets     1     5" in kubectl.ok("describe", "quota", "q")


def test_unknown_resource(kubectl: Kubectl) -> None:
    each = 'spec.hard[bananas]: Invalid value: "bananas": must be a standard resource'
    assert kubectl.fails("create", "quota", "q", "--hard=bananas=5") == (
        f'error: failed to create quota: ResourceQuota "q" is invalid: [{each} type or fully qualified, '
        f"{each} for quota]\n"
    )
