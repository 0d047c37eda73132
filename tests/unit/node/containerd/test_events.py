"""containerd's events, decoded."""

import pytest
from google.protobuf import any_pb2
from google.protobuf.message import Message

from strongroom.node.containerd import _generated_task_events_pb2 as pb
from strongroom.node.containerd import _generated_types_pb2 as types_pb
from strongroom.node.containerd import events


def envelope(topic: str, message: Message) -> types_pb.Envelope:
    return types_pb.Envelope(topic=topic, event=any_pb2.Any(value=message.SerializeToString()))


@pytest.mark.parametrize(
    ("topic", "message", "expected"),
    [
        ("/tasks/start", pb.TaskStart(container_id="c", pid=7), ("start", "c", "", 0)),
        ("/tasks/exit", pb.TaskExit(container_id="c", id="c", exit_status=137), ("exit", "c", "", 137)),
        ("/tasks/exit", pb.TaskExit(container_id="c", id="e", exit_status=1), ("exit", "c", "e", 1)),
        ("/tasks/oom", pb.TaskOOM(container_id="c"), ("oom", "c", "", 0)),
        ("/tasks/delete", pb.TaskDelete(container_id="c", exit_status=2), ("delete", "c", "", 2)),
        ("/tasks/delete", pb.TaskDelete(container_id="c", id="e"), ("delete", "c", "e", 0)),
    ],
)
def test_decode(topic: str, message: Message, expected: tuple[object, ...]) -> None:
    assert events.decode(envelope(topic, message)) == expected


def test_the_begin_of_the_stream_asks_for_a_full_look() -> None:
    assert events.decode(types_pb.Envelope()) == ("resync", "", "", 0)


def test_other_topics_mean_nothing() -> None:
    assert events.decode(envelope("/images/create", pb.TaskStart(container_id="c"))) is None
