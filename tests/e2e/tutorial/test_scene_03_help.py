"""Scene 3: kubectl explains the fields that the tutorial uses, in whole: what it prints is made from the
descriptions, types and values that the API publishes."""

import textwrap
from typing import Any

import pytest

from strongroom.api import schema
from strongroom.testing.kubectl import Kubectl

SECRET = "io.k8s.api.core.v1.Secret"
TYPES = {
    "apiVersion": "string",
    "data": "map[string]string",
    "immutable": "boolean",
    "kind": "string",
    "metadata": "ObjectMeta",
    "stringData": "map[string]string",
    "type": "string",
}
"""Fields of a Secret in the order in which they are shown."""
METADATA = """\
    annotations	<map[string]string>
    creationTimestamp	<string>
    deletionGracePeriodSeconds	<integer>
    deletionTimestamp	<string>
    finalizers	<[]string>
    generateName	<string>
    generation	<integer>
    labels	<map[string]string>
    managedFields	<[]ManagedFieldsEntry>
      apiVersion	<string>
      fieldsType	<string>
      fieldsV1	<FieldsV1>
      manager	<string>
      operation	<string>
      subresource	<string>
      time	<string>
    name	<string>
    namespace	<string>
    ownerReferences	<[]OwnerReference>
      apiVersion	<string> -required-
      blockOwnerDeletion	<boolean>
      controller	<boolean>
      kind	<string> -required-
      name	<string> -required-
      uid	<string> -required-
    resourceVersion	<string>
    selfLink	<string>
    uid	<string>
"""


def properties(definition: str) -> dict[str, Any]:
    found: dict[str, Any] = schema.definition(definition)["properties"]
    return found


def wrapped(text: str) -> str:
    """Paragraphs of a description as kubectl sets them: 76 characters wide, indented by four."""
    lines = []
    for line in text.split("\n"):
        parts = textwrap.wrap(line, 76, break_long_words=False, break_on_hyphens=False)
        lines += [f"    {part}" for part in parts] or [""]
    return "\n".join(lines)


def explained(kubectl: Kubectl, *arguments: str) -> str:
    return "\n".join(line.rstrip() for line in kubectl.ok("explain", *arguments).splitlines()).strip()


def test_secret(kubectl: Kubectl) -> None:
    fields = [
        f"  {name}\t<{kind}>\n{wrapped(properties(SECRET)[name]['description'])}\n"
        for name, kind in TYPES.items()
    ]
    head = wrapped(schema.definition(SECRET)["description"])
    expected = f"KIND:       Secret\nVERSION:    v1\n\nDESCRIPTION:\n{head}\n\nFIELDS:\n"
    assert explained(kubectl, "secret") == (expected + "\n".join(fields)).strip()


def test_secret_with_all_that_is_below(kubectl: Kubectl) -> None:
    fields = "".join(
        f"  {name}\t<{kind}>\n{METADATA if name == 'metadata' else ''}" for name, kind in TYPES.items()
    )
    assert explained(kubectl, "secret", "--recursive").partition("FIELDS:\n")[2] == fields.strip("\n")


def test_image_pull_secrets_of_a_pod(kubectl: Kubectl) -> None:
    field = properties("io.k8s.api.core.v1.PodSpec")["imagePullSecrets"]["description"]
    reference = schema.definition("io.k8s.api.core.v1.LocalObjectReference")
    name = reference["properties"]["name"]["description"]
    expected = (
        "KIND:       Pod\nVERSION:    v1\n\nFIELD: imagePullSecrets <[]LocalObjectReference>\n\n\n"
        f"DESCRIPTION:\n{wrapped(field)}\n{wrapped(reference['description'])}\n\n"
        f"FIELDS:\n  name\t<string>\n{wrapped(name)}"
    )
    assert explained(kubectl, "pod.spec.imagePullSecrets") == expected


def test_the_pull_policy_of_a_container_and_its_values(kubectl: Kubectl) -> None:
    description = properties("io.k8s.api.core.v1.Container")["imagePullPolicy"]["description"]
    assert description.endswith('Possible enum values:\n - `"Always"`\n - `"IfNotPresent"`\n - `"Never"`')
    expected = (
        "KIND:       Pod\nVERSION:    v1\n\nFIELD: imagePullPolicy <string>\n"
        "ENUM:\n    Always\n    IfNotPresent\n    Never\n\n"
        f"DESCRIPTION:\n{wrapped(description)}"
    )
    assert explained(kubectl, "pod.spec.containers.imagePullPolicy") == expected


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("secret.nothing", 'error: field "nothing" does not exist\n'),
        ("pod.spec.imagePullSecret", 'error: field "imagePullSecret" does not exist\n'),
        ("turnip", 'the server doesn\'t have a resource type "turnip"\n'),
    ],
)
def test_what_is_not_there(latest: Kubectl, path: str, message: str) -> None:
    asked = latest("explain", path)
    assert (asked.code, asked.stderr.removeprefix("error: ")) == (1, message.removeprefix("error: "))
