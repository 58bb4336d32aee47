"""Where a server is: read strictly before the first video, named without a password, reached past any proxy when it is here."""

from __future__ import annotations

import functools
import importlib.util
import ipaddress
import re
import socket
import urllib.request
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

import httpx

from intergeneval.errors import ConfigError

CHAT = "/chat/completions"
_PORTS = {"http": 80, "https": 443}
_PROXIES = ("http", "https", "socks5", "socks5h")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A server's address, checked."""

    url: str
    """Up to the version, without a slash at the end: what ``/chat/completions`` is put behind."""
    place: str
    """Host, and port where it is not the scheme's own: what answers and facts of the server are kept under."""
    here: bool
    """Whether it is this machine by its address, which no proxy can reach."""


@functools.lru_cache(maxsize=64)
def read_address(text: str, where: str, key_variable: str) -> Address:
    """Read what `where` (a setting or a variable) holds. Raises ConfigError with the way out and without any password.

    A pasted ``/chat/completions`` at the end is left out, since it can mean one thing only.
    """
    url = text.strip().rstrip("/")
    url = url.removesuffix(CHAT).rstrip("/")

    def refused(problem: str, way_out: str) -> ConfigError:
        return ConfigError(f"{where}: base_url {shown(text.strip())!r} {problem}; {way_out}")

    if any(character.isspace() or not character.isprintable() for character in url):
        raise refused("holds a space or a control character", "take it out")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise refused("has a host or port that cannot be read", "a port is a number from 1 to 65535, IPv6 stands in []") from None
    if parts.scheme not in _PORTS:
        raise refused("is no http or https address", "write it like http://127.0.0.1:8000/v1")
    if "@" in parts.netloc or parts.query or parts.fragment or "?" in url or "#" in url:
        raise refused(
            "holds a user, password or query", f"give the bare address, up to /v1 mostly, and put the key into ${key_variable}"
        )
    host = _host(parts)
    if host is None:
        raise refused("names no host that can be", "write it like http://127.0.0.1:8000/v1")
    if port == 0 or parts.netloc.endswith(":"):
        raise refused("has no port behind the colon", "a port is a number from 1 to 65535")
    try:
        httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        raise refused("is no address that can be sent to", "write it like http://127.0.0.1:8000/v1") from None
    named = host if port in (None, _PORTS[parts.scheme]) else f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return Address(url=url, place=named, here=_is_here(host))


def _host(parts: SplitResult) -> str | None:
    """Return the host in small letters; None for none, or one that no resolver can be asked for."""
    host = parts.hostname or ""
    if not host or "\\" in parts.netloc or any(character in host for character in "<>\"'`{}|^%,;=()!$&*+~"):
        return None
    if "[" in parts.netloc:
        try:
            ipaddress.IPv6Address(host)
        except ValueError:
            return None
        return host
    try:
        plain = httpx.URL(f"http://{host}").raw_host.decode("ascii")
    except (httpx.InvalidURL, UnicodeError, ValueError):
        return None
    labels = plain.removesuffix(".").split(".")
    good = len(plain) <= 253 and all(0 < len(label) <= 63 and not label.startswith("-") for label in labels)
    return host if good and ":" not in plain else None


def _is_here(host: str) -> bool:
    name = host.removesuffix(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        found = ipaddress.ip_address(name)
    except ValueError:
        try:
            # 127.1 and 2130706433 are spellings of it that the resolver takes.
            found = ipaddress.IPv4Address(socket.inet_aton(name))
        except OSError:
            return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return found.is_loopback or found.is_unspecified


def shown(url: str) -> str:
    """Return an address for a message: without user, password, query and what no line takes, at most 200 characters long."""
    url = "".join(character if character.isprintable() else "\ufffd" for character in url)
    found = re.match(r"(https?|ftp)://", url, re.IGNORECASE)
    scheme, rest = (found.group(), url[found.end() :]) if found else ("", url)
    if "@" in rest:
        rest = "***@" + rest.rpartition("@")[2]
    url = scheme + rest
    return re.sub(r"([?#]).+", r"\1...", url)[:200]


def find_proxy(address: Address) -> httpx.Proxy | None:
    """Return the proxy that the environment names for a server, None where it is reached directly. Raises ConfigError."""
    parts = urlsplit(address.url)
    if address.here or urllib.request.proxy_bypass(parts.netloc):
        return None
    proxies = urllib.request.getproxies()
    found = proxies.get(parts.scheme) or proxies.get("all")
    if not found:
        return None
    url = found if "://" in found else f"http://{found}"
    way_out = f"correct {parts.scheme.upper()}_PROXY or ALL_PROXY, or name {parts.hostname} in NO_PROXY"
    try:
        proxy = httpx.Proxy(url)
        usable = bool(proxy.url.host) and proxy.url.scheme in _PROXIES and 0 < (proxy.url.port or 1) < 1 << 16
    except (httpx.InvalidURL, ValueError):
        usable = False
    if not usable:
        raise ConfigError(f"the environment's proxy {shown(found)!r} cannot be used; {way_out}")
    if proxy.url.scheme.startswith("socks") and importlib.util.find_spec("socksio") is None:
        raise ConfigError(f"the environment's proxy {shown(found)!r} needs a package: pip install 'httpx[socks]'; or {way_out}")
    return proxy
