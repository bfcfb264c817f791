"""Network namespaces: each part of the system has a network of its own, and links between some of them.

A link is a TUN device in each of two namespaces with link.c in between, which delays and loses packets
as tc's netem does; netem itself is a module that not every kernel has.
"""

from __future__ import annotations

import contextlib
import ctypes
import enum
import fcntl
import functools
import mmap
import os
import re
import struct
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from mailmill_local.addresses import Addresses
from mailmill_local.servers.base import ServerError

#: linux/sched.h.
_CLONE_NEWNET: Final = 0x40000000
#: linux/if_tun.h.
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
#: struct ifreq: name, flags.
_IFREQ: Final = struct.Struct("=16sH22x")
#: The layout of `struct control` in link.c: delay, jitter, loss, late, lost.
_CONTROL: Final = struct.Struct("=5i")
_SETTINGS: Final = struct.Struct("=3i")
_MILLION: Final = 1_000_000
#: A network for measurements (RFC 2544), which no real one uses.
_PREFIX: Final = "198.18.0"
_NAMESPACES: Final = Path("/run/netns")
_SOURCE: Final = Path(__file__).with_name("link.c")
#: Names of our namespaces; the number is that of the process that made them.
_OURS: Final = re.compile(r"mailmill-faults-(\d+)-")


class Part(enum.Enum):
    """The parts of the system, by the last number of their address."""

    SENDERS = 1
    EDGE = 2
    REDIS = 3
    WORKERS = 4
    RELAY = 5

    @property
    def address(self) -> str:
        """Its address."""
        return f"{_PREFIX}.{self.value}"


#: Servers listen on all addresses of their namespace.
ADDRESSES: Final = Addresses(
    listen="0.0.0.0",  # noqa: S104 - in a namespace without a way out
    clients=f"127.0.0.0/8, {_PREFIX}.0/24",
    redis=Part.REDIS.address,
    relay=Part.RELAY.address,
)
#: Who talks with whom.
LINKS: Final = (
    (Part.SENDERS, Part.EDGE),
    (Part.EDGE, Part.REDIS),
    (Part.EDGE, Part.RELAY),
    (Part.WORKERS, Part.REDIS),
    (Part.WORKERS, Part.RELAY),
)


class Link:
    """The line between two parts."""

    def __init__(self, one: Part, other: Part, network: Network, program: Path, directory: Path) -> None:
        """Make the devices, each with the name of the part at its other end, and join them.

        Raises:
            ServerError: the system does not let us.
        """
        self._network = network
        self._ends = (one, other), (other, one)
        control = directory / f"{one.name}-{other.name}.link"
        control.write_bytes(bytes(_CONTROL.size))
        with control.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _CONTROL.size)
        devices = [self._device(here, there) for here, there in self._ends]
        try:
            self._process = subprocess.Popen([program, *map(str, devices), control], pass_fds=devices)
        finally:
            for device in devices:
                os.close(device)

    def shape(self, delay: float = 0.0, jitter: float = 0.0, loss: float = 0.0) -> None:
        """Let packets take `delay` seconds, more or less by `jitter`, and lose the share `loss` of them."""
        values = (round(value * _MILLION) for value in (delay, jitter, loss))
        self._memory[: _SETTINGS.size] = _SETTINGS.pack(*values)

    def pull(self) -> None:
        """Take the devices at both ends down: whoever sends now hears that there is no way."""
        for here, there in self._ends:
            self._network.ip(here, "link", "set", there.name.lower(), "down")

    def plug(self) -> None:
        """Take both up again."""
        for here, there in self._ends:
            self._network.ip(here, "link", "set", there.name.lower(), "up")

    @property
    def connections(self) -> int:
        """How many TCP connections there are between the two (one end's view)."""
        here, there = self._ends[0]
        shown = self._network.run("ss", "-N", self._network.name(here), "-Htn", "dst", there.address)
        return len(shown.splitlines())

    @property
    def hits(self) -> int:
        """How many packets were delayed or lost so far."""
        counters: tuple[int, ...] = _CONTROL.unpack(self._memory[:])
        return sum(counters[-2:])

    def stop(self) -> None:
        """End the program that joins the devices; they vanish with it."""
        self._process.kill()
        self._process.wait()

    def _device(self, here: Part, there: Part) -> int:
        name = there.name.lower()
        with self._network.inside(here)():
            device = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
            fcntl.ioctl(device, _TUNSETIFF, _IFREQ.pack(name.encode(), _IFF_TUN | _IFF_NO_PI))
        self._network.ip(here, "address", "add", here.address, "peer", there.address, "dev", name)
        self._network.ip(here, "link", "set", name, "up")
        return device


class Network:
    """A namespace for each part, and the links."""

    def __init__(self) -> None:
        self._links: dict[tuple[Part, Part], Link] = {}

    def name(self, part: Part) -> str:
        """Return the name of a part's namespace."""
        return f"mailmill-faults-{os.getpid()}-{part.name.lower()}"

    def start(self, directory: Path) -> None:
        """Make everything; `directory` is for small files.

        Raises:
            ServerError: this system has no network namespaces or TUN devices, or not for us.
        """
        remove_leftovers()
        program = directory / "link"
        subprocess.run(["gcc", "-O2", "-o", program, _SOURCE], check=True)
        try:
            for part in Part:
                self.run("ip", "netns", "add", self.name(part))
                self.ip(part, "link", "set", "lo", "up")
            for one, other in LINKS:
                self._links[one, other] = Link(one, other, self, program, directory)
        except OSError as error:
            raise ServerError(f"no network namespaces here: {error}") from error

    def stop(self) -> None:
        """Remove everything, also what a failed start has left."""
        for link in self._links.values():
            link.stop()
        self._links.clear()
        _remove(os.getpid())

    def link(self, one: Part, other: Part) -> Link:
        """Return the link between two parts."""
        return self._links[one, other]

    @property
    def links(self) -> list[Link]:
        """All links."""
        return list(self._links.values())

    def inside(self, part: Part) -> Callable[[], AbstractContextManager[None]]:
        """Return what puts the calling thread, and what it starts, into the network of a part for a while."""
        return functools.partial(_inside, _NAMESPACES / self.name(part))

    def ip(self, part: Part, *arguments: str) -> None:
        """Run ip(8) in the network of a part.

        Raises:
            ServerError: it fails.
        """
        self.run("ip", "-n", self.name(part), *arguments)

    def run(self, *command: str) -> str:
        """Run a command and return its output.

        Raises:
            ServerError: it fails; the message has its words.
        """
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ServerError(f"no network namespaces here: {' '.join(command)}: {done.stderr.strip()}")
        return done.stdout


def remove_leftovers() -> None:
    """Remove the namespaces of harnesses that were killed."""
    for path in _NAMESPACES.glob("*"):
        found = _OURS.match(path.name)
        if found and not Path("/proc", found[1]).exists():
            _remove(int(found[1]))


def _remove(pid: int) -> None:
    for path in _NAMESPACES.glob(f"mailmill-faults-{pid}-*"):
        subprocess.run(["ip", "netns", "delete", path.name], check=True)


@contextlib.contextmanager
def _inside(namespace: Path) -> Iterator[None]:
    """Put the calling thread into a network namespace; sockets and processes that it makes stay there."""
    with Path("/proc/thread-self/ns/net").open() as own, namespace.open() as other:
        _enter(other.fileno())
        try:
            yield
        finally:
            _enter(own.fileno())


def _enter(namespace: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, _CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), "setns")
