"""Maps of amounts (`capacity`, `hard`): decoding brings each into its canonical form."""

from strongroom.machinery import quantity, status
from strongroom.machinery.gvk import Object, Resource


def convert(resource: Resource, part: Object | None, *fields: str) -> None:
    """Canonical amounts, sorted by name, in those fields of `part`, in place.

    Raises StatusError 400 for an amount that can't be read."""
    try:
        for field in fields:
            if amounts := (part or {}).get(field):
                canonical = {name: str(quantity.of(amount)) for name, amount in sorted(amounts.items())}
                part[field] = canonical  # type: ignore[index]
    except quantity.QuantityError as error:
        kind = resource.kind
        raise status.bad_request(
            f'{kind} in version "{resource.version}" cannot be handled as a {kind}: {error}'
        ) from None
