"""The state of a cluster as far as it decides who can obtain a Secret; read as the caller, by the API."""

from collections.abc import Iterator, Sequence
from typing import Final

from strongroom.api import resources, reviews
from strongroom.api.core.v1 import secret as secrets
from strongroom.cli.access import grants
from strongroom.cli.access.grants import RBAC_GROUP, Action, Grant, Subject
from strongroom.cli.access.model import BOOTSTRAPPERS, State, TokenSecret
from strongroom.client.rest import Client
from strongroom.machinery.status import StatusError

COMPONENTS: Final = (
    "system:kube-controller-manager",
    "system:kube-scheduler",
    "system:kube-proxy",
    "system:controller:generic-garbage-collector",
    "system:controller:deployment-controller",
    "system:controller:replicaset-controller",
    "system:controller:restart-controller",
    "system:controller:job-controller",
    "system:controller:cronjob-controller",
    "system:controller:tokens-controller",
    "system:controller:resourcequota-controller",
    "system:controller:endpoint-controller",
    "system:controller:endpointslice-controller",
)
"""Parts of the control plane whose rights stand in no role; the API is asked what they may."""


async def read(client: Client, namespace: str, name: str) -> State:
    """Raises StatusError: 404 when there is no such Secret, 403 when the caller may not read what is needed.

    Of the Secret itself only its metadata is read."""
    await client.get(resources.SECRETS, name, namespace, metadata_only=True)
    kinds = (
        resources.ROLES,
        resources.CLUSTER_ROLES,
        resources.ROLE_BINDINGS,
        resources.CLUSTER_ROLE_BINDINGS,
    )
    held = [(await client.list(kind)).items for kind in kinds]
    accounts = (await client.list(resources.SERVICE_ACCOUNTS)).items
    pods = (await client.list(resources.PODS, namespace)).items
    tokens = await _token_secrets(client)
    found = grants.collect(*held)
    for component in COMPONENTS:
        found += await _of_component(client, component, namespace, name)
    return State(
        namespace,
        name,
        found,
        [
            Subject("ServiceAccount", each["metadata"]["namespace"], each["metadata"]["name"])
            for each in accounts
        ],
        pods,
        tokens,
    )


async def _token_secrets(client: Client) -> list[TokenSecret]:
    """None where the caller may not list Secrets: then those that are there are not known."""
    found = []
    for kind in (secrets.SERVICE_ACCOUNT_TOKEN, secrets.BOOTSTRAP_TOKEN):
        try:
            listed = await client.list(resources.SECRETS, field_selector=f"type={kind}", metadata_only=True)
        except StatusError as error:
            if error.code != 403:
                raise
            return []
        for item in listed.items:
            metadata = item["metadata"]
            account = (metadata.get("annotations") or {}).get(secrets.SERVICE_ACCOUNT_NAME)
            if kind == secrets.BOOTSTRAP_TOKEN:
                holder = BOOTSTRAPPERS
            elif account:
                holder = Subject("ServiceAccount", metadata["namespace"], account)
            else:
                continue
            found.append(TokenSecret(metadata["namespace"], metadata["name"], holder))
    return found


def _asked(namespace: str, name: str) -> Iterator[Action]:
    for verb in ("get", "list", "watch", "patch", "deletecollection"):
        yield Action(verb, "", "secrets", namespace, name)
    yield Action("create", "", "pods", namespace)
    yield Action("create", "", "pods/exec", namespace)
    for group, kind in (("apps", "deployments"), ("apps", "replicasets"), ("batch", "jobs")):
        for verb in ("create", "patch", "update"):
            yield Action(verb, group, kind, namespace)
    for verb in ("escalate", "update", "bind"):
        yield Action(verb, RBAC_GROUP, "clusterroles")


async def _of_component(client: Client, component: str, namespace: str, name: str) -> Sequence[Grant]:
    subject, found = Subject("User", "", component), []
    for action in _asked(namespace, name):
        resource, _, part = action.resource.partition("/")
        wanted = {
            "verb": action.verb,
            "group": action.group,
            "resource": resource,
            "subresource": part,
            "namespace": action.namespace,
            "name": action.name,
        }
        spec = {"user": component, "groups": ["system:authenticated"], "resourceAttributes": wanted}
        review = {
            "kind": "SubjectAccessReview",
            "apiVersion": "authorization.k8s.io/v1",
            "metadata": {},
            "spec": spec,
        }
        answer = await client.create(reviews.SUBJECT_ACCESS_REVIEWS, review)
        if answer["status"].get("allowed"):
            names = (action.name,) if action.name else ()
            place = action.namespace
            found.append(
                Grant(subject, place, "built in", (action.verb,), (action.group,), (action.resource,), names)
            )
    return found
