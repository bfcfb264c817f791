"""The names of clients in the DNS: looked up with a time limit, and remembered."""

from __future__ import annotations

import enum
import ipaddress
import logging
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mailmill.bounded import TimeLimited

log = logging.getLogger(__name__)

#: Seconds that one lookup may take: the name, and then its addresses.
TIME_LIMIT: Final = 3.0
#: Seconds that an answer is remembered for.
LIFETIME: Final = 600.0
#: Seconds until a lookup that failed is tried again.
FAILURE_LIFETIME: Final = 30.0
#: Clients that one process remembers.
MOST: Final = 10_000
#: Lookups that one process has under way, those included that were given up.
_THREADS: Final = 16


class Reverse(enum.Enum):
    """What is known of the name of an address."""

    #: The DNS has no name for it.
    NONE = "none"
    #: The name has the address.
    VERIFIED = "verified"
    #: The name has other addresses, or none.
    SPOOFED = "spoofed"
    #: The DNS gave no answer.
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class HostName:
    """The name of an address; empty when there is none or nobody knows."""

    reverse: Reverse
    name: str = ""


def ask(address: str) -> HostName:
    """Ask the system's resolver for the name of an IP address; this may take as long as that likes."""
    try:
        name = socket.gethostbyaddr(address)[0]
    except socket.herror as exc:
        # 1 HOST_NOT_FOUND and 4 NO_DATA (netdb.h); others are failures.
        return HostName(Reverse.NONE if exc.errno in {1, 4} else Reverse.UNKNOWN)
    except socket.gaierror as exc:
        return HostName(Reverse.NONE if exc.errno == socket.EAI_NONAME else Reverse.UNKNOWN)
    try:
        found = {entry[4][0] for entry in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)}
    except (socket.gaierror, UnicodeError) as exc:
        # Not a name, or no such one.
        lost = isinstance(exc, UnicodeError) or exc.errno in {socket.EAI_NONAME, socket.EAI_NODATA}
        return HostName(Reverse.SPOOFED if lost else Reverse.UNKNOWN, name)
    wanted = ipaddress.ip_address(address)
    same = any(ipaddress.ip_address(str(each).partition("%")[0]) == wanted for each in found)
    return HostName(Reverse.VERIFIED if same else Reverse.SPOOFED, name)


class HostNames:
    """Looks up names; for all threads of a process."""

    def __init__(
        self, asked: Callable[[str], HostName] = ask, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Look up with `asked`, and forget by `clock` (seconds)."""
        self._ask = asked
        self._clock = clock
        self._calls = TimeLimited(_THREADS)
        self._lock = threading.Lock()
        #: Address -> (when it is forgotten, the answer), the oldest first.
        self._known: dict[str, tuple[float, HostName]] = {}

    def __call__(self, address: str) -> HostName:
        """Return the name of an IP address, within `TIME_LIMIT`."""
        with self._lock:
            end, known = self._known.get(address, (0.0, HostName(Reverse.UNKNOWN)))
        if self._clock() < end:
            return known
        try:
            found = self._calls.call(lambda: self._ask(address), TIME_LIMIT)
        except (OSError, RuntimeError) as exc:  # TimeoutError is an OSError
            log.warning("the name of %s is not known: %s", address, exc)
            found = HostName(Reverse.UNKNOWN)
        lifetime = FAILURE_LIFETIME if found.reverse is Reverse.UNKNOWN else LIFETIME
        with self._lock:
            self._known.pop(address, None)
            if len(self._known) >= MOST:
                del self._known[next(iter(self._known))]
            self._known[address] = (self._clock() + lifetime, found)
        return found


#: The names that this process knows.
look_up: Final = HostNames()
