"""What the process gives up at its start, so that a value in its memory stays there."""

import ctypes
import os
import resource
import sys


def harden() -> None:
    """New files are private; no core dumps. Where the platform can't, nothing happens."""
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        _refuse_dumps()


def _refuse_dumps() -> None:
    """PR_SET_DUMPABLE 0: no dump even by a handler that ignores the limit, no ptrace by our own user."""
    pr_set_dumpable = 4
    ctypes.CDLL(None, use_errno=True).prctl(pr_set_dumpable, 0, 0, 0, 0)


def raise_file_limit() -> None:
    """As many open files as the system allows this process: each watch and each client is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def leave_forks_alone() -> None:
    """gRPC looks after its threads in each child, and some children die of that before they are the program
    that they were to be (nft, ip). Ours never go on as what they were: gRPC is told to let them be, before it
    is loaded."""
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
