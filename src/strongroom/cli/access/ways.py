"""Who can obtain a Secret's value, by which way: pure, from the state of a cluster.

Direct is who may read the Secret. Indirect is who may make something else hand it over: a Pod that they
create, or go into; another subject that they can act as; a role that they can give themselves. Kubernetes'
"RBAC Good Practices", "Privilege escalation risks", tells of each.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from strongroom.api.core.v1.pod import references
from strongroom.cli.access import tokens
from strongroom.cli.access.grants import RBAC_GROUP, Action, Grant, Subject
from strongroom.cli.access.model import MASTERS, Holder, State, Way
from strongroom.machinery.gvk import Object

_READS: Final = ("get", "list", "watch", "patch", "deletecollection")
"""The answer to each holds the value; a patch need not even change anything."""
_WRITES: Final = ("create", "update", "patch")
_WORKLOADS: Final = (
    ("apps", ("deployments", "replicasets", "statefulsets", "daemonsets")),
    ("batch", ("jobs", "cronjobs")),
    ("", ("replicationcontrollers",)),
)
_ACCOUNT_GROUPS: Final = ("system:serviceaccounts", "system:authenticated")
"""Every ServiceAccount is in these, and in that of its namespace. Who is in people's groups is not known."""


def find(state: State) -> list[Holder]:
    """Everyone, those who read directly first."""
    return _Search(state).run()


class _Search:
    def __init__(self, state: State) -> None:
        self.state = state
        granted: dict[Subject, list[Grant]] = {}
        for grant in state.grants:
            granted.setdefault(grant.subject, []).append(grant)
        self.by_subject = {
            subject: [grant for each in (subject, *_groups_of(subject)) for grant in granted.get(each, ())]
            for subject in (*granted, *state.accounts)
        }
        self.holders: dict[Subject, Holder] = {
            MASTERS: Holder(MASTERS, [Way("masters", "may do everything")])
        }
        self.pods = [pod for pod in state.pods if self._names_it(pod)]

    def run(self) -> list[Holder]:
        for subject in self.by_subject:
            self._add(subject, self._own_ways(subject))
        self._add_nodes()
        # Who can act as a holder is one too; again until nothing is new.
        known = 0
        while known != len(self.holders):
            known = len(self.holders)
            for subject in self.by_subject:
                self._add(subject, self._ways_through(subject))
        return sorted(self.holders.values(), key=lambda holder: (not holder.direct, holder.subject))

    def _add(self, subject: Subject, ways: Iterable[Way]) -> None:
        for way in ways:
            holder = self.holders.setdefault(subject, Holder(subject))
            if way not in holder.ways:
                holder.ways.append(way)

    def _names_it(self, pod: Object) -> bool:
        return pod["metadata"][
            "namespace"
        ] == self.state.namespace and self.state.name in references.secret_names(pod)

    def _allowed(self, subject: Subject, actions: Iterable[Action]) -> Iterator[tuple[Action, Grant]]:
        """The first grant for each action that is allowed."""
        grants = self.by_subject[subject]
        for action in actions:
            for grant in grants:
                if grant.allows(action):
                    yield action, grant
                    break

    # ---- by oneself ----

    def _own_ways(self, subject: Subject) -> Iterator[Way]:
        namespace, name = self.state.namespace, self.state.name
        reads = [Action(verb, "", "secrets", namespace, name) for verb in _READS]
        if read := list(self._allowed(subject, reads)):
            yield Way("read", "/".join(action.verb for action, _ in read) + " the Secret", read[0][1].via)
        yield from self._pods_of_ones_own(subject, namespace)
        yield from self._pods_that_run(subject)
        yield from self._by_nodes(subject)
        yield from self._more_rights(subject, namespace)

    def _pods_of_ones_own(self, subject: Subject, namespace: str) -> Iterator[Way]:
        for _, grant in self._allowed(subject, [Action("create", "", "pods", namespace)]):
            yield Way("create-pod", f"create a Pod in {namespace} that mounts it", grant.via)
        for group, kinds in _WORKLOADS:
            actions = [Action(verb, group, kind, namespace) for kind in kinds for verb in _WRITES]
            found = list(self._allowed(subject, actions))
            if found:
                which = ", ".join(dict.fromkeys(action.resource for action, _ in found))
                yield Way(
                    "create-workload", f"write {which} in {namespace}, whose Pods mount it", found[0][1].via
                )

    def _pods_that_run(self, subject: Subject) -> Iterator[Way]:
        for pod in self.pods:
            metadata = pod["metadata"]
            place = (metadata["namespace"], metadata["name"])
            entries = [
                Action(verb, "", f"pods/{part}", *place)
                for part in ("exec", "attach")
                for verb in ("create", "get")
            ]
            if found := next(self._allowed(subject, entries), None):
                yield Way("exec", f"go into Pod {metadata['name']}, which has it", found[1].via)
            debugs = [Action(verb, "", "pods/ephemeralcontainers", *place) for verb in ("update", "patch")]
            if found := next(self._allowed(subject, debugs), None):
                yield Way("debug", f"add a container to Pod {metadata['name']}, which has it", found[1].via)

    def _by_nodes(self, subject: Subject) -> Iterator[Way]:
        """A node reads what its Pods name, and does in them what it is told to."""
        if self.pods:
            for _, grant in self._allowed(subject, [Action("create", "", "nodes/token")]):
                yield Way("join", "join as a node, to which a Pod that has it may be bound", grant.via)
        running = {pod["spec"]["nodeName"] for pod in self.pods if (pod.get("spec") or {}).get("nodeName")}
        for node in sorted(running):
            asked = [Action(verb, "", "nodes/proxy", "", node) for verb in ("create", "get")]
            if found := next(self._allowed(subject, asked), None):
                yield Way("proxy", f"go by node {node} into a Pod that has it", found[1].via)

    def _more_rights(self, subject: Subject, namespace: str) -> Iterator[Way]:
        """`escalate` lets one write a role beyond one's rights, `bind` bind a role that one does not hold."""
        for kind in ("roles", "clusterroles"):
            place = namespace if kind == "roles" else ""
            for verb in ("update", "patch"):
                both = (Action("escalate", RBAC_GROUP, kind, place), Action(verb, RBAC_GROUP, kind, place))
                allowed = list(self._allowed(subject, both))
                if len(allowed) == len(both):
                    yield Way("escalate", f"add any right to {kind}", allowed[0][1].via)
                    break
        for kind, binding in (("roles", "rolebindings"), ("clusterroles", "rolebindings")):
            both = (
                Action("bind", RBAC_GROUP, kind, namespace),
                Action("create", RBAC_GROUP, binding, namespace),
            )
            allowed = list(self._allowed(subject, both))
            if len(allowed) == len(both):
                yield Way("bind", f"bind {kind} in {namespace} to themselves", allowed[0][1].via)

    # ---- through others ----

    def _ways_through(self, subject: Subject) -> Iterator[Way]:
        for other in [*self.holders]:
            if other == subject:
                continue
            yield from self._as_other(subject, other)

    def _as_other(self, subject: Subject, other: Subject) -> Iterator[Way]:
        if other.kind == "ServiceAccount":
            account = (other.namespace, other.name)
            for _, grant in self._allowed(subject, [Action("create", "", "serviceaccounts/token", *account)]):
                yield Way("token", f"make a token of {other}", grant.via, other)
            for _, grant in self._allowed(subject, [Action("create", "", "pods", other.namespace)]):
                if other.namespace != self.state.namespace:
                    yield Way(
                        "run-as", f"create a Pod in {other.namespace} that runs as {other}", grant.via, other
                    )
        for way, actions in tokens.ways(other, self.state):
            allowed = list(self._allowed(subject, actions))
            if len(allowed) == len(actions):
                yield way._replace(via=allowed[0][1].via)
        for action in _impersonation(other):
            for _, grant in self._allowed(subject, [action]):
                yield Way("impersonate", f"impersonate {other}", grant.via, other)

    def _add_nodes(self) -> None:
        by_node: dict[str, list[str]] = {}
        for pod in self.pods:
            if node := (pod.get("spec") or {}).get("nodeName"):
                by_node.setdefault(node, []).append(pod["metadata"]["name"])
        for node, pods in by_node.items():
            detail = f"runs Pod {', '.join(sorted(pods))}"
            self._add(Subject("User", "", f"system:node:{node}"), [Way("node", detail)])


def _groups_of(subject: Subject) -> Sequence[Subject]:
    if subject.kind != "ServiceAccount":
        return ()
    names = (*_ACCOUNT_GROUPS, f"system:serviceaccounts:{subject.namespace}")
    return [Subject("Group", "", name) for name in names]


def _impersonation(other: Subject) -> Sequence[Action]:
    if other.kind == "ServiceAccount":
        return (
            Action("impersonate", "", "serviceaccounts", other.namespace, other.name),
            Action("impersonate", "", "users", "", other.user_name),
        )
    return (Action("impersonate", "", "groups" if other.kind == "Group" else "users", "", other.name),)
