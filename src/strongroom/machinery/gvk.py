"""Names of kinds and resources, and the REST paths made of them."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

Object = dict[str, Any]
"""An API object as decoded from JSON: `kind`, `apiVersion`, `metadata` and the rest."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource of the API: `group` is "" for core. `storage` is its path under `/registry/`."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True
    storage: str = ""

    def __hash__(self) -> int:
        # The look-ups of every request: a string knows its hash, six fields would be hashed anew.
        return hash(self.plural)

    @property
    def api_version(self) -> str:
        """`v1` for core, else `group/version`: the object's `apiVersion`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def group_resource(self) -> str:
        """`secrets`, or `deployments.apps`: how messages name it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def group_kind(self) -> str:
        """`Secret`, or `Deployment.apps`: how 422 messages name it."""
        return f"{self.kind}.{self.group}" if self.group else self.kind

    @property
    def storage_prefix(self) -> str:
        """Key prefix of the objects in the store, as kube-apiserver lays them out in etcd."""
        return f"/registry/{self.storage or self.plural}/"

    def key(self, namespace: str | None, name: str) -> str:
        """Key of one object in the store."""
        return f"{self.storage_prefix}{namespace}/{name}" if self.namespaced else self.storage_prefix + name

    def path(
        self, namespace: str | None = None, name: str | None = None, subresource: str | None = None
    ) -> str:
        """REST path of the collection, the object or its subresource. No namespace: all of them."""
        parts = ["/apis", self.group, self.version] if self.group else ["/api", self.version]
        if namespace and self.namespaced:
            parts += ["namespaces", quote(namespace, safe="")]
        parts.append(self.plural)
        if name:
            parts.append(quote(name, safe=""))
        if subresource:
            parts.append(subresource)
        return "/".join(parts)
