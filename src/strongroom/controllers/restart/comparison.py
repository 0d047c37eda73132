"""Whether the Secrets of a workload are those that its Pods were started with. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from strongroom.api.apps.v1.restart_on_change import Uses
from strongroom.controllers.restart.record import Record, Seen
from strongroom.controllers.restart.seal import SealingKey
from strongroom.controllers.restart.view import Secret, Workload


@dataclass(frozen=True, slots=True)
class Comparison:
    """`changed`: the Secrets that differ from what is noted. `seen`: what is to be noted if nothing is done
    about them; the old note for those, so that they stay different. `renewed`: the same after a restart."""

    changed: tuple[str, ...]
    seen: Mapping[str, Seen]
    renewed: Mapping[str, Seen]


def compare(workload: Workload, secrets: Mapping[str, Secret], key: SealingKey) -> Comparison:
    """`secrets`: those that are known so far; one that is not leaves its note as it is.

    So does one that lacks what containers need: a restart could only stop what runs, and when it is whole
    again it is compared with what they run with. Without a note there is nothing to differ from."""
    uses, noted = workload.uses or {}, workload.record or Record()
    changed: list[str] = []
    seen: dict[str, Seen] = {}
    renewed: dict[str, Seen] = {}
    for name, use in uses.items():
        before, secret = noted.secrets.get(name), secrets.get(name)
        if secret is None or not _is_whole(secret, use):
            if before is not None:
                seen[name] = renewed[name] = before
            continue
        about = f"{workload.uid}/{name}"
        if before is not None and _is_same(before, secret, key, about):
            as_noted = before.keys == _keys(use) and before.key == key.id
            seen[name] = renewed[name] = before if as_noted else _look(secret, use, key, about)
            continue
        renewed[name] = _look(secret, use, key, about)
        seen[name] = renewed[name] if before is None else before
        if before is not None:
            changed.append(name)
    return Comparison(tuple(sorted(changed)), seen, renewed)


def _is_same(before: Seen, secret: Secret, key: SealingKey, about: str) -> bool:
    if (before.uid, before.resource_version) == (secret.uid, secret.resource_version):
        return True
    # Notes under another key can't be read: what changed since then may have been anything.
    return before.key == key.id and key.fits(before.seal, secret.digests, before.keys, about)


def _look(secret: Secret, use: Uses, key: SealingKey, about: str) -> Seen:
    keys = _keys(use)
    return Seen(secret.uid, secret.resource_version, keys, key.seal(secret.digests, keys, about), key.id)


def _keys(use: Uses) -> tuple[str, ...] | None:
    return None if use.whole else tuple(sorted(use.keys))


def _is_whole(secret: Secret, use: Uses) -> bool:
    if not secret.uid:
        return not use.must_exist
    return use.required <= secret.digests.keys()


def waits(names: tuple[str, ...], secrets: Mapping[str, Secret], quiet: float) -> Iterator[float]:
    """For each of these that was changed less than `quiet` seconds ago: the seconds until it is no more."""
    for name in names:
        if secrets[name].since < quiet:
            yield quiet - secrets[name].since


def is_older(names: tuple[str, ...], secrets: Mapping[str, Secret], version: int) -> bool:
    """Whether all of these were written before the resourceVersion `version`: Pods since then have them."""
    return all(
        secrets[name].resource_version.isdigit() and int(secrets[name].resource_version) < version
        for name in names
    )
