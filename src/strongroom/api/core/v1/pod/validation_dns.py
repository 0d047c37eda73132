"""The rules of a Pod's own DNS settings, and of addresses."""

from strongroom.machinery import addresses, names, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

NAMESERVERS_MAX = 3
SEARCHES_MAX = 32
SEARCH_LIST_MAX = 2048
_PATH = "spec.dnsConfig"


def validate(spec: Object) -> list[FieldError]:
    """`spec.dnsConfig`, and whether `dnsPolicy` asks for it."""
    config = spec.get("dnsConfig")
    nameservers = (config or {}).get("nameservers") or []
    if spec.get("dnsPolicy") == "None":
        if config is None:
            return [validation.required(_PATH, "must provide `dnsConfig` when `dnsPolicy` is None")]
        if not nameservers:
            text = "must provide at least one DNS nameserver when `dnsPolicy` is None"
            return [validation.required(f"{_PATH}.nameservers", text)]
    errors: list[FieldError] = []
    if len(nameservers) > NAMESERVERS_MAX:
        text = f"must not have more than {NAMESERVERS_MAX} nameservers"
        errors.append(validation.invalid_value(f"{_PATH}.nameservers", nameservers, text))
    for index, server in enumerate(nameservers):
        errors += valid_ip(f"{_PATH}.nameservers[{index}]", server)
    errors += _searches((config or {}).get("searches") or [])
    for index, option in enumerate((config or {}).get("options") or ()):
        if not option.get("name"):
            errors.append(validation.required(f"{_PATH}.options[{index}]", "must not be empty"))
    return errors


def _searches(searches: list[str]) -> list[FieldError]:
    errors: list[FieldError] = []
    path = f"{_PATH}.searches"
    if len(searches) > SEARCHES_MAX:
        text = f"must not have more than {SEARCHES_MAX} search paths"
        errors.append(validation.invalid_value(path, searches, text))
    if names.size(" ".join(searches)) > SEARCH_LIST_MAX:
        text = f"must not have more than {SEARCH_LIST_MAX} characters (including spaces) in the search list"
        errors.append(validation.invalid_value(path, searches, text))
    for index, search in enumerate(searches):
        if search != ".":
            domain = search.removesuffix(".")
            messages = names.dns1123_subdomain_with_underscore(domain)
            errors += [validation.invalid_value(f"{path}[{index}]", domain, m) for m in messages]
    return errors


def valid_ip(field: str, text: str) -> list[FieldError]:
    return [validation.invalid_value(field, text, message) for message in addresses.ip(text)]
