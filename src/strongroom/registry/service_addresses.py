"""Services: each gets an address of the cluster and, by its type, ports on the nodes, that no other has.

What is taken is read from the Services themselves. Between a choice and its write the choice is held, so two
creations under way never get the same. Servers that share a store don't see each other's choices under way.
"""

import ipaddress
import logging
import random
from collections import Counter
from collections.abc import Iterator
from typing import Final, NamedTuple

from strongroom.aio.clock import Clock
from strongroom.api.core.v1.service import families, kinds
from strongroom.api.strategy import Strategy
from strongroom.machinery import status, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError
from strongroom.registry.encoding import Document
from strongroom.registry.generic import Registry, Rules
from strongroom.store import errors as store_errors
from strongroom.store.objects import ObjectStore
from strongroom.store.watch_cache import Entry, WatchCache

SERVICE_RANGE: Final = ipaddress.IPv4Network("10.96.0.0/12")
FIRST_ADDRESS: Final = str(SERVICE_RANGE[1])
"""Of the Service `kubernetes`."""
CHOSEN_BY_HAND: Final = 256
"""The first addresses are left to those who name one (KEP-3070)."""
NODE_PORTS: Final = range(30000, 32768)
TRIES: Final = 1000
_log = logging.getLogger(__name__)

Port = tuple[str, int]
"""Protocol and node port."""


class _Taken:
    """What the stored Services have, kept up to date from their changes; and what is held."""

    def __init__(self, services: Registry) -> None:
        self._services = services
        self._revision = -1
        self._of_service: dict[str, tuple[str | Port, ...]] = {}
        self._counts: Counter[str | Port] = Counter()
        self.held: set[str | Port] = set()

    def __contains__(self, wanted: str | Port) -> bool:
        return wanted in self.held or self._counts[wanted] > 0

    def catch_up(self) -> None:
        services = self._services
        if services.revision == self._revision:
            return
        changes = services.changes(self._revision) if self._revision >= 0 else None
        if changes is None:
            self._of_service.clear()
            self._counts.clear()
            for entry in services.rows.entries():
                self._set(entry.key, _held_by_stored(entry))
        else:
            for change in changes:
                gone = change.type == "DELETED"
                self._set(change.entry.key, () if gone else _held_by_stored(change.entry))
        self._revision = services.revision

    def numbers(self) -> tuple[int, int]:
        """How many addresses and node ports are taken."""
        taken = [each for each, number in self._counts.items() if number > 0]
        ips = sum(isinstance(each, str) for each in taken)
        return ips, len({each[1] for each in taken if not isinstance(each, str)})

    def _set(self, key: str, holds: tuple[str | Port, ...]) -> None:
        self._counts.subtract(self._of_service.pop(key, ()))
        if holds:
            self._of_service[key] = holds
            self._counts.update(holds)


def _held_by_stored(entry: Entry) -> tuple[str | Port, ...]:
    """What a stored Service has; nothing if nobody can read it, which is no reason to refuse others."""
    try:
        return tuple(_held_by(entry.decode()["spec"]))
    except (store_errors.Unreadable, ValueError, LookupError, TypeError, AttributeError) as error:
        # What it says might hold a part of the object.
        _log.warning(
            "%s can't be read (%s): its address and ports may be given to others",
            entry.key,
            type(error).__name__,
        )
        return ()


def _held_by(spec: Object) -> Iterator[str | Port]:
    for ip in spec.get("clusterIPs") or ():
        if ip != kinds.HEADLESS:
            yield ip
    for port in kinds.ports(spec):
        if number := port.get("nodePort"):
            yield port.get("protocol", ""), number


class Used(NamedTuple):
    """How many addresses and node ports Services have, and how many are left."""

    ips: int
    ips_left: int
    ports: int
    ports_left: int


class ServiceRegistry(Registry):
    """Chooses addresses and node ports after validation, before the write."""

    def __init__(self, strategy: Strategy, cache: WatchCache, objects: ObjectStore, clock: Clock) -> None:
        super().__init__(strategy, cache, objects, clock)
        self._allocations = _Taken(self)

    def used(self) -> Used:
        """For those who watch that they last. A port counts once, whatever protocols have it."""
        self._allocations.catch_up()
        ips, ports = self._allocations.numbers()
        return Used(ips, SERVICE_RANGE.num_addresses - 2 - ips, ports, len(NODE_PORTS) - ports)

    def _validate(self, obj: Object) -> None:
        self._settle_families(obj, None)
        super()._validate(obj)

    def _validate_update(self, new: Object, old: Object, rules: Rules) -> None:
        if rules is self.main:
            self._settle_families(new, old["spec"])
        super()._validate_update(new, old, rules)

    def _settle_families(self, obj: Object, old: Object | None) -> None:
        if errors := families.settle(obj["spec"], old):
            raise status.invalid(self.resource, obj["metadata"]["name"], errors)

    async def _insert(self, namespace: str, obj: Object, dry_run: bool) -> Document | None:
        held = self._allocate(obj, None)
        try:
            return await super()._insert(namespace, obj, dry_run)
        finally:
            self._allocations.held -= held

    async def _replace(self, key: str, new: Object, entry: Entry, dry_run: bool) -> Document | None:
        held = self._allocate(new, entry.decode()["spec"])
        try:
            return await super()._replace(key, new, entry, dry_run)
        finally:
            self._allocations.held -= held

    def _allocate(self, obj: Object, old: Object | None) -> set[str | Port]:
        """Puts what is missing into `obj`. Raises StatusError 422. Gives what is held until the write."""
        spec, taken = obj["spec"], self._allocations
        taken.catch_up()
        own = set(_held_by(old)) if old is not None else set()
        held: set[str | Port] = set()
        errors: list[FieldError] = []
        if kinds.has_cluster_ip(spec) and not kinds.is_headless(spec):
            errors += _address(spec, taken, own, held)
        errors += _node_ports(spec, taken, own, held)
        if errors:
            raise status.invalid(self.resource, obj["metadata"]["name"], errors)
        kinds.put_in_order(spec)
        taken.held |= held
        return held


def _address(spec: Object, taken: _Taken, own: set[str | Port], held: set[str | Port]) -> list[FieldError]:
    wanted = spec.get("clusterIP", "")
    if not wanted:
        wanted = _free_address(taken)
        if wanted is None:
            text = "failed to allocate a serviceIP: range is full"
            return [FieldError("InternalError", "spec.clusterIPs", f"Internal error: {text}")]
        spec["clusterIP"], spec["clusterIPs"] = wanted, [wanted]
    elif wanted not in own:
        problem = ""
        address = ipaddress.ip_address(wanted)
        if address not in SERVICE_RANGE or address in (SERVICE_RANGE[0], SERVICE_RANGE[-1]):
            problem = (
                f"the provided IP ({wanted}) is not in the valid range. The range of valid IPs is "
                f"{SERVICE_RANGE}"
            )
        elif wanted in taken:
            problem = "provided IP is already allocated"
        if problem:
            text = f"failed to allocate IP {wanted}: {problem}"
            return [validation.invalid_value("spec.clusterIPs", spec["clusterIPs"], text)]
    held.add(wanted)
    return []


def _free_address(taken: _Taken) -> str | None:
    last = SERVICE_RANGE.num_addresses - 2
    for first in (CHOSEN_BY_HAND + 1, 2):
        for _ in range(TRIES):
            # Nothing rests on it being unguessable.
            address = str(SERVICE_RANGE[random.randint(first, last)])  # noqa: S311
            if address not in taken:
                return address
    return next(
        (ip for number in range(2, last + 1) if (ip := str(SERVICE_RANGE[number])) not in taken), None
    )


def _node_ports(spec: Object, taken: _Taken, own: set[str | Port], held: set[str | Port]) -> list[FieldError]:
    errors: list[FieldError] = []
    for index, port in enumerate(kinds.ports(spec)):
        path, protocol = f"spec.ports[{index}].nodePort", port["protocol"]
        number = port.get("nodePort", 0)
        if number:
            if (protocol, number) not in own:
                errors += _asked_port(number, protocol, path, taken)
        elif kinds.has_node_ports(spec):
            free = [n for n in NODE_PORTS if (protocol, n) not in taken and (protocol, n) not in held]
            if not free:
                text = "failed to allocate a nodePort: range is full"
                errors.append(FieldError("InternalError", path, f"Internal error: {text}"))
                continue
            number = port["nodePort"] = random.choice(free)  # noqa: S311
        if number:
            held.add((protocol, number))
    return errors


def _asked_port(number: int, protocol: str, path: str, taken: _Taken) -> list[FieldError]:
    if number not in NODE_PORTS:
        text = (
            "provided port is not in the valid range. The range of valid ports is "
            f"{NODE_PORTS.start}-{NODE_PORTS.stop - 1}"
        )
    elif (protocol, number) in taken:
        text = "provided port is already allocated"
    else:
        return []
    return [validation.invalid_value(path, number, text)]
