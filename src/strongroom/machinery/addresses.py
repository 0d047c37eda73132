"""Rules for network addresses: each function gives the messages of the rules that a text breaks."""

import ipaddress

VALID_CIDR = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
VALID_IP = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"


def ip(text: str, version: int = 0) -> list[str]:
    """An address of IPv4, IPv6, or (0) either."""
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        return [VALID_IP if not version else f"must be a valid IPv{version} address"]
    if version and parsed.version != version:
        return [f"must be a valid IPv{version} address"]
    return []


def version(text: str) -> int:
    """4 or 6, of a valid address."""
    return ipaddress.ip_address(text).version


def cidr(text: str) -> list[str]:
    """A network, with its prefix length."""
    try:
        if "/" in text:
            ipaddress.ip_network(text, strict=False)
            return []
    except ValueError:
        pass
    return [VALID_CIDR]


def not_special(text: str) -> list[str]:
    """A valid address that others can reach: not of this host or link alone."""
    address = ipaddress.ip_address(text)
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
