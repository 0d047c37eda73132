"""Which objects of a resource a list or watch is about: namespace, label selector, field selector."""

from strongroom.api.strategy import Strategy
from strongroom.machinery import status
from strongroom.machinery.gvk import Object
from strongroom.machinery.selectors import FieldSelector, LabelSelector

_NAME, _NAMESPACE = "metadata.name", "metadata.namespace"


class Selection:
    """A list's or watch's scope. `key` is set when it can only be one object; `everything`: no test is needed.

    Raises StatusError 400 for a field that the kind can't be selected by."""

    __slots__ = ("_fields", "_labels", "_strategy", "everything", "key", "prefix")

    def __init__(self, strategy: Strategy, namespace: str, labels: LabelSelector, fields: FieldSelector) -> None:
        resource = strategy.resource
        for term in fields.terms:
            if term.field not in strategy.field_labels:
                raise status.bad_request(_unknown_field(strategy, term.field))
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


def _unknown_field(strategy: Strategy, field: str) -> str:
    if strategy.own_field_label_error:
        return f"field label not supported: {field}"
    known = '", "'.join((_NAME, _NAMESPACE))
    return f'"{field}" is not a known field selector: only "{known}"'
