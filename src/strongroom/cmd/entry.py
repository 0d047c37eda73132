"""The first thing that runs: what must be so before anything is imported or opened."""

import os
import resource
import signal
import sys


def run() -> None:
    """Entry point of the command: exits with its code.

    Ctrl-C while the program is still being loaded ends it without a word. A standard stream that is closed
    becomes /dev/null: else the next file that is opened, such as the database, would be in its place."""
    open_standard_streams()
    # Commands hold values, too: no core dump of theirs is written.
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    loud = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if loud:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from strongroom.cmd import main

    if loud:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main.main(sys.argv[1:]))


def open_standard_streams() -> None:
    """Open what of descriptors 0, 1 and 2 is closed."""
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest that is free: this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(descriptor, "w" if descriptor else "r", closefd=False))  # noqa: SIM115
