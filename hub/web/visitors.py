"""Who looks at the page: a visitor on this machine, with the view of the organisation that the operator named.

The convenience is for the machine the hub runs on, and off by default. What came through a proxy is not local,
whatever its last hop was; nor is what called the hub by another host's name (DNS rebinding). Everybody else is
nobody, and sees nothing of anybody.
"""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.requests import Request

from hub.consent.model import Basis
from hub.exchange.asker import Asker

FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


def viewer_of(request: Request, organisation: str) -> Asker | None:
    """The view that this visitor gets, or None for nobody's."""
    if not organisation or request.client is None:
        return None
    local = is_loopback(request.client.host) and is_loopback(host_of(request))
    if not local or any(name in request.headers for name in FORWARDED):
        return None
    return Asker(organisation=organisation, purpose="COC", basis=Basis.CONSENT)


def host_of(request: Request) -> str:
    """The name under which the hub was called, without its port; empty where it is none."""
    try:
        return urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    except ValueError:
        return ""


def is_loopback(host: str) -> bool:
    """Whether an address or a name is this machine's own."""
    if host == "localhost":
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback
