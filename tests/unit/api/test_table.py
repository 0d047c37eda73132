"""Tables and metadata-only forms."""

from datetime import UTC, datetime

import pytest

from strongroom.api import resources, table
from strongroom.api.scheme import STRATEGIES
from strongroom.api.strategy import Strategy
from strongroom.machinery.gvk import Resource
from strongroom.machinery.status import StatusError

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
METADATA = {
    "name": "a",
    "namespace": "n",
    "resourceVersion": "7",
    "creationTimestamp": "2026-01-02T03:04:00Z",
}
SECRET = {"kind": "Secret", "apiVersion": "v1", "metadata": METADATA, "data": {"k": "dg=="}, "type": "Opaque"}
PARTIAL = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": METADATA}
SECRETS = STRATEGIES[resources.SECRETS]


def test_rows_carry_metadata_by_default() -> None:
    found = table.table(SECRETS, [SECRET], NOW, list_meta={"resourceVersion": "9"})
    assert (found["kind"], found["apiVersion"], found["metadata"]) == (
        "Table", "meta.k8s.io/v1", {"resourceVersion": "9"},
    )  # fmt: skip
    assert found["rows"] == [{"cells": ["a", "Opaque", 1, "5s"], "object": PARTIAL}]
    definitions = [(c["name"], c["type"], c["format"], c["priority"]) for c in found["columnDefinitions"]]
    assert definitions == [
        ("Name", "string", "name", 0), ("Type", "string", "", 0), ("Data", "string", "", 0), ("Age",
         "string", "", 0),
    ]  # fmt: skip


def test_include_object() -> None:
    assert table.include_object("") == "Metadata"
    assert table.row(SECRETS, SECRET, NOW, "Object")["object"] is SECRET
    assert table.row(SECRETS, SECRET, NOW, "None") == {"cells": ["a", "Opaque", 1, "5s"], "object": None}
    with pytest.raises(StatusError) as caught:
        table.include_object("All")
    assert (caught.value.code, str(caught.value)) == (
        400,
        "includeObject: Invalid value: \"All\": must be 'Metadata', 'Object', 'None', or empty",
    )


def test_later_tables_of_a_watch_have_no_columns() -> None:
    assert table.table(SECRETS, [SECRET], NOW, with_columns=False)["columnDefinitions"] is None


def test_partial_metadata() -> None:
    assert table.partial_metadata(SECRET) == PARTIAL
    assert table.partial_metadata_list([SECRET], {"resourceVersion": "9"}) == {
        "kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1",
         "metadata": {"resourceVersion": "9"},
        "items": [PARTIAL],
    }  # fmt: skip


def test_kinds_without_columns_of_their_own() -> None:
    class Plain(Strategy):
        resource = Resource("x", "v1", "things", "Thing")
        singular = "thing"

    found = table.table(Plain(), [SECRET], NOW)
    assert [(c["name"], c["type"]) for c in found["columnDefinitions"]] == [
        ("Name", "string"), ("Created At", "date"),
    ]  # fmt: skip
    assert found["rows"][0]["cells"] == ["a", "2026-01-02T03:04:00Z"]


COLUMNS = {
    resources.SECRETS: ["Name", "Type", "Data", "Age"],
    resources.CONFIG_MAPS: ["Name", "Data", "Age"],
    resources.SERVICE_ACCOUNTS: ["Name", "Age"],
    resources.NAMESPACES: ["Name", "Status", "Age"],
    resources.NODES: ["Name", "Status", "Roles", "Age", "Version", "*Internal-IP", "*External-IP",
     "*OS-Image",
                      "*Kernel-Version", "*Container-Runtime"],
    resources.PODS: ["Name", "Ready", "Status", "Restarts", "Age", "*IP", "*Node", "*Nominated Node",
                     "*Readiness Gates"],
    resources.EVENTS: ["Last Seen", "Type", "Reason", "Object", "*Subobject", "*Source", "Message",
     "*First Seen",
                       "*Count", "*Name"],
    resources.JOBS: ["Name", "Status", "Completions", "Duration", "Age", "*Containers", "*Images",
                     "*Selector"],
    resources.CRON_JOBS: ["Name", "Schedule", "Timezone", "Suspend", "Active", "Last Schedule", "Age",
                          "*Containers", "*Images", "*Selector"],
    resources.PRIORITY_CLASSES: ["Name", "Value", "Global-Default", "Age", "PreemptionPolicy"],
}  # fmt: skip


@pytest.mark.parametrize("resource", COLUMNS, ids=lambda resource: resource.plural)
def test_columns(resource: Resource) -> None:
    found = table.columns(STRATEGIES[resource])
    assert ["*" * c["priority"] + c["name"] for c in found] == COLUMNS[resource]
    assert all((c["format"] == "name") is (c["name"] == "Name") and c["description"] for c in found)
