"""Which objects of a resource a list or watch is about: namespace, label selector, field selector."""

from strongroom.api.strategy import Strategy
from strongroom.machinery.gvk import Object
from strongroom.machinery.selectors import FieldSelector, LabelSelector

_NAME, _NAMESPACE = "metadata.name", "metadata.namespace"


class Selection:
    """A list's or watch's scope. `key`: it can only be this object. `everything`: no test is needed."""

    __slots__ = ("_fields", "_labels", "_strategy", "everything", "key", "prefix")

    def __init__(
        self, strategy: Strategy, namespace: str, labels: LabelSelector, fields: FieldSelector
    ) -> None:
        resource = strategy.resource
        self._strategy = strategy
        self._labels = labels
        self._fields = fields
        self.everything = labels.empty and fields.empty
        self.key: str | None = None
        name = fields.requires_exact(_NAME)
        if resource.namespaced:
            namespace = namespace or fields.requires_exact(_NAMESPACE) or ""
            self.prefix = f"{resource.storage_prefix}{namespace}/" if namespace else resource.storage_prefix
            if name and namespace:
                self.key = resource.key(namespace, name)
        else:
            self.prefix = resource.storage_prefix
            if name:
                self.key = resource.key(None, name)

    def matches(self, obj: Object) -> bool:
        """Whether the selectors hold; the scope by key is the caller's to keep."""
        if not self._labels.empty and not self._labels.matches(obj["metadata"].get("labels")):
            return False
        return self._fields.empty or self._fields.matches(self._strategy.selectable_fields(obj))
