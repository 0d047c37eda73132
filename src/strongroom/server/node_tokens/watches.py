"""The open watches of nodes: they end with the Node that their token is bound to.

A token is looked at when a request begins; a watch lasts for half an hour and more.
"""

from collections import defaultdict
from typing import Final

from strongroom.aio.tasks import TaskGroup
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
                there = {entry.decode()["metadata"]["uid"] for entry in self._nodes.rows.entries()}
                for uid in set(self._open) - there:
                    self._end(uid)
                async for batch in subscription:
                    for event in batch:
                        if event.type == "DELETED":
                            self._end(event.entry.decode()["metadata"]["uid"])

    def _end(self, uid: str) -> None:
        for watch in list(self._open.get(uid, ())):
            watch.close()
