"""Rules for network addresses: each function gives the messages of the rules that a text breaks.

Texts are those of `apimachinery/pkg/util/validation/ip.go` of Kubernetes 1.36, which reads strictly.
"""

import ipaddress
import re

VALID_CIDR = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
VALID_IP = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_LEADING_ZEROS = re.compile(r"(?<![0-9a-fA-F:])0+(?=[0-9])")
_IPV6 = 6
_PREFIX = re.compile(r"[0-9]{1,3}")


def _parse(text: str) -> _Address | None:
    """As Go reads an address: no zone, octets of IPv4 with zeros in front."""
    if "%" in text:
        return None
    try:
        return ipaddress.ip_address(text if ":" in text else _LEADING_ZEROS.sub("", text))
    except ValueError:
        return None


def _mapped(address: _Address) -> bool:
    return isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None


def ip(text: str) -> list[str]:
    """An address of IPv4 or IPv6, in any of its forms but the ambiguous ones."""
    address = _parse(text)
    if address is None:
        return [VALID_IP]
    if "." in text and ":" not in text and _LEADING_ZEROS.search(text):
        return ["must not have leading 0s"]
    return ["must not be an IPv4-mapped IPv6 address"] if _mapped(address) else []


def canonical_ip(text: str) -> list[str]:
    """An address in the one form that is canonical."""
    messages = ip(text)
    if not messages and text != (canonical := str(_parse(text))):
        messages = [f'must be in canonical form ("{canonical}")']
    return messages


def canonical(text: str) -> str:
    """The one canonical form of an address, or what is given if it is none."""
    address = _parse(text)
    return text if address is None else str(address)


def warnings(path: str, text: str) -> list[str]:
    """What to say of an address at `path` that is taken, but is better written otherwise."""
    address = _parse(text)
    if address is None:
        return []
    if ip(text):
        shown = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else address
        return [f'{path}: non-standard IP address "{text}" is invalid: use "{shown or address}"']
    if address.version == _IPV6 and str(address) != text:
        return [f'{path}: IPv6 address "{text}" should be in RFC 5952 canonical format ("{address}")']
    return []


def is_any_ip(text: str) -> bool:
    """Whether it can be read as an address at all, be it an ambiguous one."""
    return _parse(text) is not None


def version(text: str) -> int:
    """4 or 6, of a valid address."""
    return ipaddress.ip_address(text).version


def cidr(text: str) -> list[str]:
    """A network: an address without bits after the prefix, and the prefix's length."""
    host, slash, length = text.partition("/")
    address = _parse(host)
    if address is None or not slash or not _PREFIX.fullmatch(length) or int(length) > address.max_prefixlen:
        return [VALID_CIDR]
    if ip(host) == ["must not have leading 0s"] or (length != "0" and length.startswith("0")):
        return ["must not have leading 0s in IP or prefix length"]
    if _mapped(address):
        return ["must not have an IPv4-mapped IPv6 address"]
    if ipaddress.ip_network(text, strict=False).network_address != address:
        return ["must not have bits set beyond the prefix length"]
    return []


def not_special(text: str) -> list[str]:
    """An address that others can reach: not of this host or link alone (`ValidateEndpointIP`)."""
    address = _parse(text)
    if address is None:
        return ["must be a valid IP address"]
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address
    messages = []
    if address.is_unspecified:
        messages.append(f"may not be unspecified ({text})")
    if address.is_loopback:
        messages.append("may not be in the loopback range (127.0.0.0/8, ::1/128)")
    if address.is_link_local:
        messages.append("may not be in the link-local range (169.254.0.0/16, fe80::/10)")
    if address in _LINK_LOCAL_MULTICAST_4 or address in _LINK_LOCAL_MULTICAST_6:
        messages.append("may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)")
    return messages


_LINK_LOCAL_MULTICAST_4 = ipaddress.ip_network("224.0.0.0/24")
_LINK_LOCAL_MULTICAST_6 = ipaddress.ip_network("ff02::/16")
