"""Creating by PUT or by server-side apply: whoever creates so needs the right to create."""

from typing import Final

from strongroom.machinery import status
from strongroom.machinery.gvk import Object
from strongroom.registry.generic import Registry, Written
from strongroom.registry.managed_fields import Writer
from strongroom.server.admission.plugin import CREATE, Chain
from strongroom.server.authorization.authorizer import Authorizer, Decision
from strongroom.server.filters.authorization import denial
from strongroom.server.handlers import writing
from strongroom.server.handlers.options import WriteOptions
from strongroom.server.request import Request

TRIES: Final = 5
"""Times that an object may come and go between a look and the write."""


class Creator:
    """For all resources."""

    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer

    async def create(
        self,
        request: Request,
        registry: Registry,
        chain: Chain,
        wanted: WriteOptions,
        obj: Object,
        writer: Writer | None = None,
    ) -> Written | None:
        """The object that was not there. None: another writer was first.

        Without a `writer` its managedFields stay as they are. Raises StatusError."""
        info = request.info
        asked = info._replace(verb="create")
        verdict = self._authorizer.authorize(request.user, asked)
        if verdict.decision is not Decision.ALLOW:
            raise denial(request.user, asked, verdict.reason)
        admit = writing.admission(request, registry, chain, CREATE, dry_run=wanted.dry_run)
        try:
            return await registry.create(
                info.namespace, obj, writer=writer, admit=admit, dry_run=wanted.dry_run
            )
        except status.StatusError as error:
            if error.reason != "AlreadyExists":
                raise
        await registry.catch_up()
        return None
