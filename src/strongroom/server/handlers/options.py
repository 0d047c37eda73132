"""The query's options, checked: Kubernetes' ListOptions, CreateOptions, PatchOptions, DeleteOptions."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from strongroom.machinery import integers, meta, selectors, status, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.selectors import LabelSelector
from strongroom.machinery.validation import FieldError
from strongroom.registry.generic import Registry
from strongroom.registry.managed_fields import Writer
from strongroom.registry.options import DeleteOptions, ListOptions, WatchOptions
from strongroom.server import routing
from strongroom.server.request import Request

_META_GROUP = "meta.k8s.io"
_FIELD_VALIDATION = ("Ignore", "Strict", "Warn")
_MATCHES = ("Exact", "NotOlderThan")
_POLICIES = ("Foreground", "Background", "Orphan")


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """Options of create, update and patch. `force` is apply's."""

    dry_run: bool = False
    field_manager: str = ""
    field_validation: str = ""
    force: bool = False


_DEFAULT_WRITE = WriteOptions()
_WRITES_MAX, _WRITES_LONGEST = 256, 256
_writes: dict[tuple[bytes, str, bool], WriteOptions] = {}
"""By query, kind and `apply`: a program asks the same again and again."""


def _refuse(kind: str, errors: Sequence[FieldError]) -> None:
    if errors:
        raise status.invalid_kind(f"{kind}.{_META_GROUP}", _META_GROUP, kind, "", errors)


def write(request: Request, kind: str, *, apply: bool = False) -> WriteOptions:
    """`kind`: CreateOptions, UpdateOptions or PatchOptions; `apply`: those of server-side apply.

    Raises StatusError 422."""
    if not request.query_string and not apply:
        return _DEFAULT_WRITE
    asked = (request.query_string, kind, apply)
    known = _writes.get(asked)
    if known is not None:
        return known
    errors: list[FieldError] = []
    dry_run = request.query.get("dryRun", [])
    if set(dry_run) - {"All"}:
        errors.append(validation.not_supported("dryRun", dry_run, ["All"]))
    manager = request.parameter("fieldManager")
    errors += meta.validate_field_manager(manager, "fieldManager")
    field_validation = request.parameter("fieldValidation")
    if field_validation and field_validation not in _FIELD_VALIDATION:
        errors.append(validation.not_supported("fieldValidation", field_validation, ["", *_FIELD_VALIDATION]))
    force = routing.truthy(request, "force")
    if apply and not manager:
        errors.append(validation.required("fieldManager", "is required for apply patch"))
    if kind == "PatchOptions" and not apply and "force" in request.query:
        errors.append(validation.forbidden("force", "may not be specified for non-apply patch"))
    _refuse(kind, errors)
    options = WriteOptions(bool(dry_run), manager, field_validation, force)
    if len(_writes) >= _WRITES_MAX:
        _writes.clear()
    if len(request.query_string) <= _WRITES_LONGEST:
        _writes[asked] = options
    return options


def writer(request: Request, wanted: WriteOptions) -> Writer:
    """Who owns what the request writes: the manager it names, else its program."""
    subresource = request.info.subresource
    if wanted.field_manager:
        return Writer(wanted.field_manager, subresource)
    return Writer(program(request.headers.get(b"user-agent", b"")), subresource)


@lru_cache(maxsize=1024)
def program(user_agent: bytes) -> str:
    """The manager of a request that names none: the User-Agent up to its first slash, as far as one may be
    long."""
    text = user_agent.partition(b"/")[0].decode("latin-1")
    name = "".join(char for char in text if char.isprintable()).encode()[: meta.FIELD_MANAGER_MAX]
    return name.decode(errors="ignore")


def at_least(request: Request) -> int:
    """The `resourceVersion` of a get."""
    value = request.parameter("resourceVersion")
    return _revision(value) if value else 0


def _revision(value: str) -> int:
    revision = integers.parse(value, 0, 2**64 - 1) if value.isdigit() else None
    if revision is None:
        shown, why = validation.go_quote(value), integers.problem(value.replace("+", "x").replace("-", "x"))
        raise status.bad_request(
            f"invalid resource version: resourceVersion: Invalid value: {shown}: "
            f"strconv.ParseUint: parsing {shown}: {why}"
        )
    return revision


def integer(request: Request, name: str) -> int | None:
    """An int64 parameter, None when absent. Raises StatusError 400."""
    value = request.parameter(name)
    if not value:
        return None
    number = integers.parse(value)
    if number is None:
        shown, why = validation.go_quote(value), integers.problem(value)
        raise status.bad_request(f"strconv.ParseInt: parsing {shown}: {why}")
    return number


def _labels(request: Request) -> LabelSelector:
    try:
        return selectors.parse_labels(request.parameter("labelSelector"))
    except selectors.SelectorError as error:
        raise status.bad_request(str(error)) from None


def listing(request: Request, registry: Registry) -> ListOptions:
    """Options of list and deletecollection. Raises StatusError 400 and 422."""
    if not request.query_string:
        return _EVERYTHING
    # What can't be read is told before what does not go together.
    limit, labels = integer(request, "limit") or 0, _labels(request)
    version, match = request.parameter("resourceVersion"), request.parameter("resourceVersionMatch")
    token = request.parameter("continue")
    errors: list[FieldError] = []
    if match:
        field = "resourceVersionMatch"
        if not version:
            text = "resourceVersionMatch is forbidden unless resourceVersion is provided"
            errors.append(validation.forbidden(field, text))
        if token:
            text = "resourceVersionMatch is forbidden when continue is provided"
            errors.append(validation.forbidden(field, text))
        if match not in _MATCHES:
            errors.append(validation.not_supported(field, match, [*_MATCHES, ""]))
        if match == "Exact" and version == "0":
            text = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
            errors.append(validation.forbidden(field, text))
    if "sendInitialEvents" in request.query:
        errors.append(validation.forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"))
    _refuse("ListOptions", errors)
    return ListOptions(
        labels=labels,
        fields=registry.strategy.field_selector(request.parameter("fieldSelector")),
        limit=max(limit, 0),
        continue_token=token,
        resource_version=_revision(version) if version else None,
        # A page of a past state is a page of that very state; without a limit a newer one will do.
        exact=match == "Exact" or (limit > 0 and version not in ("", "0") and not match),
    )


_EVERYTHING = ListOptions()


def watching(request: Request, registry: Registry, name: str) -> WatchOptions:
    """Options of a watch. `name`: that of the path. Raises StatusError 400 and 422."""
    integer(request, "limit")
    labels = _labels(request)
    version, match = request.parameter("resourceVersion"), request.parameter("resourceVersionMatch")
    given = "sendInitialEvents" in request.query
    wants_initial = given and routing.truthy(request, "sendInitialEvents")
    errors: list[FieldError] = []
    field = "resourceVersionMatch"
    if given and match != "NotOlderThan":
        text = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        errors.append(validation.forbidden(field, text))
    if match and not given:
        text = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
        errors.append(validation.forbidden(field, text))
    if match and match != "NotOlderThan":
        errors.append(validation.not_supported(field, match, ["NotOlderThan"]))
    if request.parameter("continue") and (match or (not given and version in ("", "0"))):
        # From the start on, the match is understood though it is not given.
        text = "resourceVersionMatch is forbidden when continue is provided"
        errors.append(validation.forbidden(field, text))
    _refuse("ListOptions", errors)
    revision = None
    if version:
        try:
            revision = _revision(version)
        except status.StatusError:  # with which Kubernetes answers 500; it is the client's mistake
            text = f"strconv.ParseUint: parsing {validation.go_quote(version)}: invalid syntax"
            _refuse("ListOptions", [validation.invalid_value("resourceVersion", version, text)])
    fields = registry.strategy.field_selector(request.parameter("fieldSelector"))
    if name:
        exact = fields.requires_exact("metadata.name")
        if exact is not None and exact != name:
            raise status.bad_request("fieldSelector metadata.name doesn't match requested name")
        if exact is None:
            fields = selectors.FieldSelector((*fields.terms, selectors.FieldTerm("metadata.name", name)))
    return WatchOptions(
        labels=labels,
        fields=fields,
        resource_version=revision,
        initial_events=not given or wants_initial,
        initial_state=wants_initial,
    )


def deletion(given: Object) -> DeleteOptions:
    """From a DeleteOptions object. Raises StatusError 422."""
    preconditions = given.get("preconditions") or {}
    dry_run = given.get("dryRun") or []
    made = DeleteOptions(
        grace_period_seconds=given.get("gracePeriodSeconds"),
        uid=preconditions.get("uid") or "",
        resource_version=preconditions.get("resourceVersion") or "",
        propagation_policy=given.get("propagationPolicy") or "",
        orphan_dependents=given.get("orphanDependents"),
        dry_run=bool(dry_run),
    )
    check_delete(made, dry_run)
    return made


def check_delete(options: DeleteOptions, dry_run: Sequence[str] = ()) -> None:
    """Raises StatusError 422."""
    errors: list[FieldError] = []
    if set(dry_run) - {"All"}:
        errors.append(validation.not_supported("dryRun", list(dry_run), ["All"]))
    policy = options.propagation_policy
    if policy and options.orphan_dependents is not None:
        text = "orphanDependents and deletionPropagation cannot be both set"
        errors.append(validation.invalid_value("propagationPolicy", policy, text))
    elif policy and policy not in _POLICIES:
        errors.append(validation.not_supported("propagationPolicy", policy, [*_POLICIES, "nil"]))
    _refuse("DeleteOptions", errors)
