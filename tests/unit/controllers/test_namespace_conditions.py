"""What a terminating namespace says about its content."""

from strongroom.api import resources
from strongroom.controllers import namespace_conditions
from strongroom.controllers.namespace_conditions import Findings
from strongroom.machinery.gvk import Object


def _item(**metadata: object) -> Object:
    return {"metadata": {"name": "x", **metadata}}


def _by_type(findings: Findings) -> dict[str, Object]:
    return {condition["type"]: condition for condition in namespace_conditions.conditions(findings)}


def test_content_that_remains_is_counted_by_kind() -> None:
    findings = Findings({resources.SECRETS: [_item(), _item()], resources.PODS: [_item()]})
    said = _by_type(findings)
    assert said["NamespaceContentRemaining"] == {
        "type": "NamespaceContentRemaining",
        "status": "True",
        "reason": "SomeResourcesRemain",
        "message": "Some resources are remaining: pods. has 1 resource instances, "
        "secrets. has 2 resource instances",
    }
    assert [condition["status"] for condition in said.values()] == [
        "False",
        "False",
        "False",
        "True",
        "False",
    ]


def test_finalizers_that_remain_are_counted() -> None:
    findings = Findings({resources.SECRETS: [_item(finalizers=["b", "a"]), _item(finalizers=["a"])]})
    condition = _by_type(findings)["NamespaceFinalizersRemaining"]
    assert (condition["status"], condition["reason"]) == ("True", "SomeFinalizersRemain")
    assert condition["message"] == (
        "Some content in the namespace has finalizers remaining: "
        "a in 2 resource instances, b in 1 resource instances"
    )


def test_what_could_not_be_deleted_is_told() -> None:
    condition = _by_type(Findings(failures=["secrets is forbidden: no"]))["NamespaceDeletionContentFailure"]
    assert (condition["status"], condition["reason"]) == ("True", "ContentDeletionFailed")
    assert (
        condition["message"] == "Failed to delete all resource types, 1 remaining: secrets is forbidden: no"
    )


def test_what_is_told_comes_in_the_order_of_its_words() -> None:
    kinds = (resources.SECRETS, resources.ENDPOINT_SLICES, resources.EVENTS)
    said = _by_type(Findings({kind: [_item()] for kind in kinds}, ["b: no", "a: no"]))
    assert said["NamespaceContentRemaining"]["message"] == (
        "Some resources are remaining: endpointslices.discovery.k8s.io has 1 resource instances, "
        "events. has 1 resource instances, secrets. has 1 resource instances"
    )
    assert said["NamespaceDeletionContentFailure"]["message"].endswith(" 2 remaining: a: no, b: no")


def test_nothing_left_is_five_times_false() -> None:
    said = _by_type(Findings())
    assert list(said) == [
        "NamespaceDeletionDiscoveryFailure",
        "NamespaceDeletionGroupVersionParsingFailure",
        "NamespaceDeletionContentFailure",
        "NamespaceContentRemaining",
        "NamespaceFinalizersRemaining",
    ]
    assert [condition["status"] for condition in said.values()] == ["False"] * 5
    assert [condition["reason"] for condition in said.values()] == [
        "ResourcesDiscovered",
        "ParsedGroupVersions",
        "ContentDeleted",
        "ContentRemoved",
        "ContentHasNoFinalizers",
    ]
    assert [condition["message"] for condition in said.values()] == [
        "All resources successfully discovered",
        "All legacy kube types successfully parsed",
        "All content successfully deleted, may be waiting on finalization",
        "All content successfully removed",
        "All content-preserving finalizers finished",
    ]


def test_times_change_only_with_the_status() -> None:
    kept = {"type": "Other", "status": "True"}
    first = namespace_conditions.merged([kept], namespace_conditions.conditions(Findings()), "t1")
    assert first is not None
    assert first[0] == kept
    assert namespace_conditions.merged(first, namespace_conditions.conditions(Findings()), "t2") is None
    left = Findings({resources.SECRETS: [_item()]})
    second = namespace_conditions.merged(first, namespace_conditions.conditions(left), "t2")
    assert second is not None
    times = {condition["type"]: condition.get("lastTransitionTime") for condition in second}
    assert times["NamespaceContentRemaining"] == "t2"
    assert times["NamespaceFinalizersRemaining"] == "t1"
    more = Findings({resources.SECRETS: [_item(), _item()]})
    third = namespace_conditions.merged(second, namespace_conditions.conditions(more), "t3")
    assert third is not None
    assert {c["type"]: c.get("lastTransitionTime") for c in third}["NamespaceContentRemaining"] == "t2"


def test_patience_is_half_of_the_longest_grace_and_a_second() -> None:
    assert Findings().patience() == 1
    assert Findings({resources.PODS: [_item(deletionGracePeriodSeconds=30), _item()]}).patience() == 16
    assert Findings({resources.SECRETS: [_item(finalizers=["a"])]}).patience() == 8.5


def test_it_is_empty_when_nothing_is_left_and_nothing_failed() -> None:
    assert Findings().empty
    assert not Findings({resources.SECRETS: [_item()]}).empty
    assert not Findings(failures=["no"]).empty
