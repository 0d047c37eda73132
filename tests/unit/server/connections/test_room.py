"""File descriptors that are kept back. In a process of its own, whose limit can be lowered."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the filter of a socket is Linux's")

SCRIPT = """
import os, resource, socket
from strongroom.server.connections.room import Room, backlog

def limit():
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]

def comes_in():
    with socket.socket() as client:
        client.settimeout(0.3)
        try:
            client.connect(address)
        except TimeoutError:
            return False
        listener.accept()[0].close()
        return True

resource.setrlimit(resource.RLIMIT_NOFILE, (800, 800))
assert backlog() == 50
listener = socket.create_server(("127.0.0.1", 0), backlog=50)
address = listener.getsockname()
room = Room(listener.dup(), 50)
kept = 800 - limit()
assert kept >= 50 + 64, kept

room.settle()
assert limit() == 800 - kept and comes_in()

taken = []
try:
    while True:
        taken.append(os.dup(0))
except OSError:
    pass
room.settle()
assert limit() == 800
assert not comes_in()

for each in taken[:10]:
    os.close(each)
for each in taken[10:]:
    os.close(each)
    room.settle()
    if limit() < 800:
        break
assert limit() == 800 - kept
assert comes_in()
room.close()
assert limit() == 800
print("done")
"""


def test_what_is_kept_is_given_when_nothing_else_is_left_and_nobody_comes_in_until_it_is_back() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.stdout == "done\n", ran.stderr
