"""The generated schemas: all that our kinds need, and consistent."""

import pytest

from strongroom.api import resources, schema
from strongroom.machinery.gvk import Resource

SERVED = [
    resources.SECRETS,
    resources.PODS,
    resources.NODES,
    Resource("apps", "v1", "deployments", "Deployment"),
    Resource("rbac.authorization.k8s.io", "v1", "roles", "Role"),
    Resource("authentication.k8s.io", "v1", "", "TokenRequest"),
    Resource("authorization.k8s.io", "v1", "", "SubjectAccessReview"),
    Resource("coordination.k8s.io", "v1", "leases", "Lease"),
    Resource("events.k8s.io", "v1", "events", "Event"),
    Resource("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice"),
    Resource("policy", "v1", "", "Eviction"),
    Resource("autoscaling", "v1", "", "Scale"),
]


@pytest.mark.parametrize("resource", SERVED, ids=lambda resource: resource.kind)
def test_a_kind_has_its_message_and_its_definition(resource: Resource) -> None:
    message = schema.for_kind(resource.group, resource.version, resource.kind)
    assert message is not None
    assert message in schema.table()
    definition = schema.definition(schema.definition_name(message))
    assert set(definition["properties"]) == {f.name for f in schema.table().json_fields(message)}


def test_all_messages_can_be_decoded() -> None:
    table = schema.table()
    for message in table.messages():
        assert callable(schema.decoder(message))
        numbers = [field.number for field in table.fields(message) if field.number]
        assert len(numbers) == len(set(numbers)), message


def test_unknown_kinds_are_none() -> None:
    assert schema.for_kind("", "v1", "Foo") is None
    with pytest.raises(KeyError):
        schema.merge_schema(Resource("", "v1", "foos", "Foo"))


def test_definitions_keep_what_kubectl_reads() -> None:
    spec = schema.definition("io.k8s.api.core.v1.PodSpec")["properties"]["containers"]
    assert spec["x-kubernetes-patch-strategy"] == "merge"
    assert spec["x-kubernetes-patch-merge-key"] == "name"
    assert spec["x-kubernetes-list-map-keys"] == ["name"]
    assert spec["description"].startswith("List of containers belonging to the pod.")
    port = schema.definition("io.k8s.api.core.v1.ContainerPort")["properties"]["protocol"]
    assert port["default"] == "TCP"
    quantity = schema.definition("io.k8s.apimachinery.pkg.util.intstr.IntOrString")
    assert quantity == {"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]}


def test_no_definition_lets_null_be_a_type() -> None:
    def visit(node: object) -> None:
        if isinstance(node, dict):
            assert not isinstance(node.get("type"), list)
            for item in node.values():
                visit(item)
        elif isinstance(node, list):
            for item in node:
                visit(item)

    visit(schema.definitions())


def test_merge_keys_of_a_pod() -> None:
    pod = schema.merge_schema(resources.PODS)
    spec = pod.field("spec")
    assert spec is not None
    assert spec.child is not None
    volumes = spec.child.field("volumes")
    assert volumes is not None
    assert volumes.strategy == frozenset({"merge", "retainKeys"})
    assert volumes.merge_key == "name"
    assert volumes.child is not None
    assert volumes.child.field("secret") is not None
    pull_secrets, tolerations = spec.child.field("imagePullSecrets"), spec.child.field("tolerations")
    assert pull_secrets is not None
    assert tolerations is not None
    assert (pull_secrets.merge_key, tolerations.strategy) == ("name", frozenset())
    assert spec.child.field("nothing") is None


def test_merge_keys_of_metadata() -> None:
    metadata = schema.merge_schema(resources.SECRETS).field("metadata")
    assert metadata is not None
    assert metadata.child is not None
    finalizers, owners = metadata.child.field("finalizers"), metadata.child.field("ownerReferences")
    assert finalizers is not None
    assert owners is not None
    assert (finalizers.strategy, finalizers.merge_key) == (frozenset({"merge"}), "")
    assert owners.merge_key == "uid"


def test_the_release_is_named() -> None:
    assert schema.kubernetes_version().startswith("v1.")
