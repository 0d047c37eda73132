"""Registry credentials of the node itself: Docker's `config.json`, or the older `.dockercfg`.

They are tried after those of the pod, and what they bring is there for all pods of the node, as with the
kubelet (`pkg/credentialprovider`). The files are looked for anew at each pull, so that a new password is used
at once; values are kept no longer than it takes.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from strongroom.node.images import credentials
from strongroom.node.images.credentials import CredentialsError, Keyring

_KUBELET = Path("/var/lib/kubelet")
_CONFIG, _LEGACY = "config.json", ".dockercfg"
_log = logging.getLogger(__name__)


def places(given: Path | None, data_dir: Path, environ: Mapping[str, str]) -> list[Path]:
    """Where to look, in order: the file that was `given` and nowhere else; or the node's directory, the
    kubelet's, that of the user, and the root's."""
    if given is not None:
        return [given]
    home = environ.get("HOME")
    own = [data_dir, _KUBELET]
    modern = [*own, *([Path(home) / ".docker"] if home else []), Path("/.docker")]
    older = [*own, *([Path(home)] if home else []), Path("/")]
    return [*(place / _CONFIG for place in modern), *(place / _LEGACY for place in older)]


class NodeCredentials:
    """The first of `files` that is there and can be read holds; one that can't be read is told of, once."""

    def __init__(self, files: Iterable[Path] = ()) -> None:
        self._files = tuple(files)
        self._told: dict[Path, str] = {}

    def keyring(self) -> Keyring:
        """What they hold now; empty where there is none."""
        for path in self._files:
            try:
                found = credentials.of_file(path.read_bytes(), legacy=path.name == _LEGACY)
            except FileNotFoundError:
                if len(self._files) == 1:
                    self._tell(path, "no such file")
            except OSError as error:
                self._tell(path, error.strerror or "input/output error")
            except CredentialsError as error:
                self._tell(path, str(error))
            else:
                self._told.pop(path, None)
                return found
        return {}

    def _tell(self, path: Path, why: str) -> None:
        if self._told.get(path) != why:
            self._told[path] = why
            _log.warning("credentials for registries in %s are not used: %s", path, why)


NodeKeyring = Callable[[], Keyring]
