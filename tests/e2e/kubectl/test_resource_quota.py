"""ResourceQuotas, as objects."""

from strongroom.testing.kubectl import Kubectl


def test_create_report_and_show(kubectl: Kubectl) -> None:
    created = kubectl.ok("create", "quota", "q", "--hard=secrets=5,limits.cpu=2000m")
    assert created == "resourcequota/q created\n"
    report = '{"status":{"hard":{"secrets":"5","limits.cpu":"2"},"used":{"secrets":"1"}}}'
    kubectl.ok("patch", "quota", "q", "--subresource=status", "--type=merge", "-p", report)
    header, row = kubectl.ok("get", "quota").splitlines()
    assert header.split() == ["NAME", "REQUEST", "LIMIT", "AGE"]
    assert row.split()[:5] == ["q", "secrets:", "1/5", "limits.cpu:", "0/2"]
    assert "secrets     1     5" in kubectl.ok("describe", "quota", "q")


def test_unknown_resource(kubectl: Kubectl) -> None:
    assert kubectl.fails("create", "quota", "q", "--hard=bananas=5") == (
        'error: failed to create quota: ResourceQuota "q" is invalid: spec.hard[bananas]: Invalid value: '
        '"bananas": must be a standard resource for quota\n'
    )
