"""The audit log as the flags of `strongroom up` say: kube-apiserver's names where it has them."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import yaml

from strongroom.aio.clock import Clock
from strongroom.server.audit import policy as policies
from strongroom.server.audit import policy_file
from strongroom.server.audit.log import Log
from strongroom.server.audit.recorder import Recorder

MAX_SIZE = 100
"""MiB of one file."""
MAX_BACKUPS = 10
MAX_AGE = 30
"""Days."""


@dataclass(frozen=True, slots=True)
class Options:
    """`fail_open`: Secrets may be read though that can't be put on record."""

    path: Path
    policy: policies.Policy = policies.DEFAULT
    max_size: int = MAX_SIZE
    max_backups: int = MAX_BACKUPS
    max_age: int = MAX_AGE
    fail_open: bool = False

    def open(self, clock: Clock) -> Log:
        """Raises OSError."""
        age = timedelta(days=self.max_age)
        return Log(self.path, clock, max_bytes=self.max_size << 20, max_backups=self.max_backups, max_age=age)

    def recorder(self, log: Log, clock: Clock) -> Recorder:
        return Recorder(self.policy, log, clock, fail_open=self.fail_open)


def load_policy(path: Path) -> policies.Policy:
    """A policy file. Raises PolicyError, whose text names the file."""
    try:
        return policy_file.parse(yaml.safe_load(path.read_text()))
    except OSError as error:
        raise policy_file.PolicyError(f"{path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise policy_file.PolicyError(f"{path}: not YAML") from None
    except policy_file.PolicyError as error:
        raise policy_file.PolicyError(f"{path}: {error}") from None
