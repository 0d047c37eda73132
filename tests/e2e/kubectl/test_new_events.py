"""Events of events.k8s.io beside those of core."""

import json

from strongroom.testing.kubectl import Kubectl


def test_both_show_the_same_events(kubectl: Kubectl) -> None:
    event = {
        "kind": "Event",
        "apiVersion": "events.k8s.io/v1",
        "metadata": {"name": "a"},
        "eventTime": "2026-01-02T03:04:05.000000Z",
        "reportingController": "example.com/c",
        "reportingInstance": "c-1",
        "action": "Pull",
        "reason": "Pulled",
        "regarding": {"kind": "Secret", "namespace": kubectl.namespace, "name": "s"},
        "note": "pulled it",
        "type": "Normal",
    }
    assert kubectl.ok("create", "-f", "-", stdin=json.dumps(event)) == "event.events.k8s.io/a created\n"
    core = json.loads(kubectl.ok("get", "events", "a", "-ojson"))
    assert (core["apiVersion"], core["message"]) == ("v1", "pulled it")
    new = json.loads(kubectl.ok("get", "events.events.k8s.io", "a", "-ojson"))
    assert (new["apiVersion"], new["note"]) == ("events.k8s.io/v1", "pulled it")
    selected = kubectl.ok("get", "events.events.k8s.io", "--field-selector=regarding.name=s")
    assert selected.splitlines()[1].split()[1:] == ["Normal", "Pulled", "secret/s", "pulled", "it"]
    assert "pulled it" in kubectl.ok("events")


def test_the_rules_are_stricter(kubectl: Kubectl) -> None:
    event = {"kind": "Event", "apiVersion": "events.k8s.io/v1", "metadata": {"name": "a"}, "type": "Normal"}
    regarding = {"kind": "Secret", "namespace": kubectl.namespace, "name": "s"}
    shown = kubectl.fails("create", "-f", "-", stdin=json.dumps({**event, "regarding": regarding}))
    assert shown == 'The Event "a" is invalid: eventTime: Required value\n'
