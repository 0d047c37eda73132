"""What the API says of the deliveries of a Secret, read as the caller."""

import asyncio
import logging
from collections.abc import Callable

from strongroom.aio.tasks import TaskGroup
from strongroom.api import resources
from strongroom.cli.delivery import holders
from strongroom.cli.delivery.holders import Cluster, Holder
from strongroom.client.informer import Informer
from strongroom.client.rest import Client
from strongroom.machinery.gvk import Object
from strongroom.machinery.status import StatusError

_LOOK_AGAIN = 1.0
"""Seconds after which it looks without having been told of anything: the Secret itself is not watched."""
_SETTLE = 0.05


class NoReceiptsError(Exception):
    """The API is one that has no delivery receipts."""

    def __init__(self) -> None:
        super().__init__("this API has no delivery receipts: it is not Strongroom's")


async def read(client: Client, namespace: str, name: str) -> tuple[str, list[Holder]]:
    """The newest version and who holds which. Raises StatusError: 404 when there is no such Secret and nobody
    holds one of that name; `NoReceiptsError`.

    Of the Secret itself only its metadata is read, and first: what is delivered later is never older."""
    missing: StatusError | None = None
    newest = ""
    try:
        secret = await client.get(resources.SECRETS, name, namespace, metadata_only=True)
        newest = str(secret["metadata"]["resourceVersion"])
    except StatusError as error:
        if error.code != 404:
            raise
        missing = error
    pods = (await client.list(resources.PODS, namespace)).items
    try:
        receipts = (await client.list(resources.SECRET_DELIVERIES, namespace)).items
    except StatusError as error:
        if error.code == 404:
            raise NoReceiptsError from None
        raise
    by_uid = {str(receipt.get("podUID", "")): receipt for receipt in receipts}
    found = holders.find(Cluster(name, newest, pods, by_uid, await _away(client)))
    if missing is not None and not any(holder.version for holder in found):
        raise missing
    return newest, found


async def _away(client: Client) -> frozenset[str]:
    """Nodes that are not ready; none where the caller may not know."""
    try:
        nodes = (await client.list(resources.NODES)).items
    except StatusError as error:
        if error.code != 403:
            raise
        return frozenset()
    return frozenset(str(node["metadata"]["name"]) for node in nodes if not _is_ready(node))


def _is_ready(node: Object) -> bool:
    conditions = (node.get("status") or {}).get("conditions") or ()
    return any(item.get("type") == "Ready" and item.get("status") == "True" for item in conditions)


async def wait(
    client: Client,
    namespace: str,
    name: str,
    timeout: float,
    *,
    files_only: bool,
    progress: Callable[[list[Holder]], None] = lambda _: None,
) -> tuple[str, list[Holder]]:
    """The same once nobody lags behind, or when the time is over: told by each receipt that comes.

    `progress` is called with those who still lag."""
    came = asyncio.Event()
    receipts = Informer(client, resources.SECRET_DELIVERIES, namespace)
    receipts.subscribe(lambda _, __: came.set())
    # Whether it may watch, the first look says; what a watch has to complain of later would not help anyone.
    logging.getLogger("strongroom.client.informer").setLevel(logging.ERROR)
    clock = asyncio.get_running_loop().time
    end = clock() + timeout
    async with TaskGroup("delivery") as tasks:
        newest, found = await read(client, namespace, name)
        tasks.spawn("receipts", receipts.run())
        while (late := holders.lagging(found, files_only=files_only)) and clock() < end:
            progress(late)
            try:
                async with asyncio.timeout(min(_LOOK_AGAIN, max(0.0, end - clock()))):
                    await came.wait()
                    await asyncio.sleep(_SETTLE)
            except TimeoutError:
                pass
            came.clear()
            newest, found = await read(client, namespace, name)
    return newest, found
