"""Who may use an image that is on the node, by whose credentials it came.

A private image must not become everybody's by being there: a pod may use one that the agent has pulled if it
was pulled without credentials or with the node's, or with a Secret that the pod names too, or with the same
credentials from another Secret. For any other the registry is asked anew. Whether an image that the agent has
not pulled is free for all says the policy (`verification`).

Source: KEP 2535, "Ensure Secret Pulled Images". Unlike the kubelet's, these records hold no hash of a
credential, as a weak password could be found from it: hashes are kept in memory, under a key that ends with
the process.
"""

import hashlib
import hmac
import secrets
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from strongroom.aio.clock import Clock
from strongroom.machinery import image_reference
from strongroom.machinery.gvk import Object
from strongroom.node.images import credentials
from strongroom.node.images.credentials import Credential
from strongroom.node.images.verification import Verification

DEFAULT = Verification()
_VERSION = "kubelet.config.k8s.io/v1beta1"
_COORDINATES = ("uid", "namespace", "name")


@dataclass(frozen=True, slots=True)
class _Sources:
    """Secrets, by their coordinates, and hashes of the credentials in them that are for one repository."""

    secrets: Sequence[Object]
    hashes: frozenset[bytes]


class PullRecords:
    """Records below `directory`, one for each image and one for each pull that is under way.

    Every method may raise `OSError`.
    """

    def __init__(self, directory: Path, clock: Clock, verification: Verification = DEFAULT) -> None:
        self._verification = verification
        self._pulling = directory / "pulling"
        self._pulled = directory / "pulled"
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._hashes: dict[tuple[str, str], frozenset[bytes]] = {}
        self._under_way: Counter[str] = Counter()
        self._interrupted = {path.name for path in self._files(self._pulling)}

    def may_use(self, image: str, image_id: str, pull_secrets: Iterable[Object]) -> bool:
        """Whether a pod with these pull Secrets may use an image that is there. Raises `CredentialsError`."""
        record = self._read(self._pulled / _file_name(image_id))
        # One whose pull was cut short is not known well enough to be anybody's.
        pulled_here = record is not None or (self._pulling / _file_name(image)).exists()
        if not self._verification.needed(image, pulled_here=pulled_here):
            return True
        if record is None:
            return False
        repository = image_reference.parse(image).name
        known = (record.get("credentialMapping") or {}).get(repository)
        if known is None:
            return False
        if known.get("nodePodsAccessible"):
            return True
        sources = self._sources(repository, pull_secrets)
        if any(_same(mine, theirs) for mine in sources.secrets for theirs in known["kubernetesSecrets"]):
            return True
        if sources.hashes & self._hashes.get((image_id, repository), frozenset()):
            self._add(image_id, repository, sources)
            return True
        return False

    def begin(self, image: str) -> None:
        """A pull begins. `end` or `cut_short` follows, unless the process ends before."""
        name = _file_name(image)
        self._under_way[name] += 1
        self._write(self._pulling / name, {"kind": "ImagePullIntent", "apiVersion": _VERSION, "image": image})

    def end(
        self, image: str, image_id: str | None, credential: Credential | None, pull_secrets: Iterable[Object]
    ) -> None:
        """The pull has ended, with the image or, where `image_id` is None, without. `credential` is the one
        that was accepted, None if none was needed."""
        if image_id is not None:
            repository = image_reference.parse(image).name
            everybodys = credential is None
            sources = _Sources((), frozenset())
            if credential is not None:
                sources = self._sources(repository, pull_secrets, only=credential)
            self._add(image_id, repository, sources, everybodys=everybodys)
        name = _file_name(image)
        self._under_way[name] -= 1
        if image_id is not None:
            self._interrupted.discard(name)
        if self._under_way[name] <= 0:
            del self._under_way[name]
            if name not in self._interrupted:
                (self._pulling / name).unlink(missing_ok=True)

    def cut_short(self, image: str) -> None:
        """Nobody waits for the pull any more; the image may come all the same."""
        name = _file_name(image)
        self._under_way[name] -= 1
        self._interrupted.add(name)

    def _add(self, image_id: str, repository: str, sources: _Sources, *, everybodys: bool = False) -> None:
        path = self._pulled / _file_name(image_id)
        mapping: dict[str, Any] = dict((self._read(path) or {}).get("credentialMapping") or {})
        known = mapping.get(repository) or {}
        if everybodys or known.get("nodePodsAccessible"):
            mapping[repository] = {"nodePodsAccessible": True}
        else:
            before = list(known.get("kubernetesSecrets") or ())
            new = [mine for mine in sources.secrets if not any(_same(mine, each) for each in before)]
            mapping[repository] = {"kubernetesSecrets": before + new}
            key = (image_id, repository)
            self._hashes[key] = self._hashes.get(key, frozenset()) | sources.hashes
        record = {
            "kind": "ImagePulledRecord",
            "apiVersion": _VERSION,
            "lastUpdatedTime": self._clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "imageRef": image_id,
            "credentialMapping": mapping,
        }
        self._write(path, record)

    def _sources(
        self, repository: str, pull_secrets: Iterable[Object], only: Credential | None = None
    ) -> _Sources:
        """The Secrets that have credentials for a repository (`only` this one)."""
        found, hashes = [], set()
        for secret in pull_secrets:
            mine = credentials.find(credentials.keyring([secret]), repository)
            mine = [credential for credential in mine if only in (None, credential)]
            if mine:
                metadata = secret.get("metadata") or {}
                found.append({name: str(metadata.get(name, "")) for name in _COORDINATES})
                hashes |= {self._hash(credential) for credential in mine}
        return _Sources(found, frozenset(hashes))

    def _hash(self, credential: Credential) -> bytes:
        text = orjson.dumps([credential.username, credential.password])
        return hmac.new(self._key, text, hashlib.sha256).digest()

    def _read(self, path: Path) -> Object | None:
        try:
            record = orjson.loads(path.read_bytes())
        except FileNotFoundError:
            return None
        except ValueError:
            # A file cut short by a crash: of an image that was pulled, by nobody knows whom.
            return {}
        return record if isinstance(record, dict) else {}

    def _write(self, path: Path, record: Object) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = path.with_name(f"{path.name}.tmp")
        temporary.write_bytes(orjson.dumps(record))
        temporary.replace(path)

    def _files(self, directory: Path) -> list[Path]:
        with suppress(FileNotFoundError):
            return [path for path in directory.iterdir() if path.suffix != ".tmp"]
        return []


def _file_name(text: str) -> str:
    return f"sha256-{hashlib.sha256(text.encode()).hexdigest()}"


def _same(one: Object, other: Object) -> bool:
    return all(one.get(name) == other.get(name) for name in _COORDINATES)
