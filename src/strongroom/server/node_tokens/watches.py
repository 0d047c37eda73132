"""The open watches of nodes: they end with the Node that their token is bound to.

A token is looked at when a request begins; a watch lasts for half an hour and more.
"""

from collections import defaultdict
from typing import Final

from strongroom.aio.tasks import TaskGroup
from strongroom.machinery.gvk import Object
from strongroom.machinery.request_info import UserInfo
from strongroom.registry.generic import Registry
from strongroom.registry.watching import Watch

_NODE_UID: Final = "authentication.kubernetes.io/node-uid"
_POD_UID: Final = "authentication.kubernetes.io/pod-uid"


class NodeWatches:
    """Follows the Nodes from the first such watch on."""

    def __init__(self, nodes: Registry, background: TaskGroup) -> None:
        self._nodes = nodes
        self._background = background
        self._open: defaultdict[str, set[Watch]] = defaultdict(set)
        self._follows = False

    def add(self, user: UserInfo, watch: Watch) -> str:
        """What to `remove` it by; "" for a user whose token is bound to no Node."""
        extra = user.extra
        if not extra or _NODE_UID not in extra or _POD_UID in extra:
            return ""
        uid = extra[_NODE_UID][0]
        self._open[uid].add(watch)
        if not self._follows:
            self._follows = True
            self._background.spawn("watches-of-nodes", self._follow())
        return uid

    def remove(self, uid: str, watch: Watch) -> None:
        found = self._open.get(uid)
        if found is not None:
            found.discard(watch)
            if not found:
                del self._open[uid]

    async def _follow(self) -> None:
        while True:
            with self._nodes.rows.subscribe() as subscription:
                self._look()
                async for batch in subscription:
                    for event in batch:
                        if event.entry.error:
                            self._look()  # who that was cannot be read
                            continue
                        node = event.entry.decode()
                        if event.type == "DELETED" or not _stays(node):
                            self._end(node["metadata"]["uid"])

    def _look(self) -> None:
        """End those of all Nodes that are not there."""
        nodes = [entry.decode() for entry in self._nodes.rows.entries() if not entry.error]
        for uid in set(self._open) - {node["metadata"]["uid"] for node in nodes if _stays(node)}:
            self._end(uid)

    def _end(self, uid: str) -> None:
        for watch in list(self._open.get(uid, ())):
            watch.close()


def _stays(node: Object) -> bool:
    """Whether the Node's tokens are taken: not from its deletion on, though finalizers hold it."""
    return not node["metadata"].get("deletionTimestamp")
