import pytest

from strongroom.controllers.restart import record
from strongroom.controllers.restart.record import Record, Restart, Seen


def test_a_record_survives_its_text() -> None:
    seen = {
        "db": Seen("u1", "12", ("password", "user"), "note", "key1"),
        "all": Seen("u2", "13", None, "note", "key1"),
        "absent": Seen("", "", ("x",), "note", "key1"),
    }
    for restart in (None, Restart("2026-01-02T03:04:05Z", ("db",))):
        found = Record(seen, restart)
        assert record.parse(record.dump(found)) == found


@pytest.mark.parametrize(
    "text", ["", "x", "[]", "null", "{}", '{"secrets":[]}', '{"secrets":{"a":1}}', '{"secrets":{"a":{}}}']
)
def test_what_somebody_else_wrote_is_nothing_seen(text: str) -> None:
    assert record.parse(text) == Record()
