"""The relay: its addresses tried in turn, a bounded number of connections to each, QMQP or SMTP."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Iterator, Sequence
from typing import Final, Protocol

from mailmill.delivery import Delivery
from mailmill.errors import ConfigError
from mailmill.settings import Settings
from mailmill.settings.options import delivery as options
from mailmill.settings.options.choices import DeliveryMethod, SocketType
from mailmill.settings.options.cluster import SCAN_TIME_LIMIT
from mailmill_workers.deliver.address import (
    Connector,
    RelayAddress,
    Streams,
    Unix,
    open_connection,
    parse_addresses,
)
from mailmill_workers.deliver.breaker import BROKEN, BUSY, Breaker, NoBreaker
from mailmill_workers.deliver.patience import Patience
from mailmill_workers.deliver.qmqp import QmqpClient
from mailmill_workers.deliver.replies import (
    NOBODY,
    NoSlotError,
    NotTriedError,
    RelayError,
    Reply,
    Result,
    Submission,
    printable,
)
from mailmill_workers.deliver.smtp import SmtpClient

log = logging.getLogger(__name__)

#: How many times `Delivery Timeout` a submission may take from the wait for a connection to the last reply.
STEPS: Final = 3
#: The share of a task's time limit that its submissions may use: the rest is for Redis and for the reports.
SHARE: Final = 0.8
#: Seconds to wait for a connection, if `Delivery Timeout` allows more (Postfix: smtp_connect_timeout, 30 s).
CONNECT_TIMEOUT: Final = 30.0
#: TCP port of `SMTP Relay Address` where none is given (RFC 5321, 4.5.4.2).
SMTP_PORT: Final = 25


class Relay(Protocol):
    """Whatever takes finished mail. It answers for every recipient and raises nothing for a relay's fault."""

    #: Seconds that a submission can take at most.
    longest: int

    async def submit(self, delivery: Delivery, message: bytes) -> Submission:
        """Submit `message` (LF line ends) to the recipients of a delivery that has at least one."""


class Client(Protocol):
    """Speaks one protocol over one connection; raises RelayError when the relay fails."""

    async def submit(
        self, streams: Streams, delivery: Delivery, message: bytes, patience: Patience
    ) -> tuple[tuple[Reply, ...], str]:
        """Return a reply for each recipient, and what was left out."""


class RelayPool:
    """The addresses of one relay, alike in what they do. Use one pool per process and thread."""

    def __init__(
        self,
        addresses: Sequence[RelayAddress],
        client: Client,
        *,
        concurrency: int,
        timeout: float,
        longest: float,
        connect: Connector = open_connection,
        breaker: Breaker | None = None,
        announce: bool = False,
    ) -> None:
        """Use `concurrency` connections to each address, `timeout` seconds a step, `longest` for all.

        `breaker` says which addresses may be tried; if `announce`, the edges hear when none may.
        """
        self._addresses = tuple(addresses)
        self._client = client
        self._concurrency = concurrency
        self._timeout = timeout
        self._whole = longest
        self._connect = connect
        self._breaker: Breaker = breaker or NoBreaker()
        self._announce = announce
        self._first = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._slots: dict[RelayAddress, asyncio.Semaphore] = {}
        self.longest = math.ceil(longest)

    async def submit(self, delivery: Delivery, message: bytes) -> Submission:
        """See `Relay`. An address that defers everything or cannot be used is followed by the next one.

        Without recipients nothing is sent: a relay could confirm what goes to nobody (B5).
        """
        if not delivery.recipients:
            return Submission((), NOBODY)
        patience = Patience(self._timeout, self._whole)
        faults: list[str] = []
        waits: list[float] = []
        unconfirmed = False
        for address in self._in_turn():
            try:
                replies, reduced = await self._attempt(address, delivery, message, patience)
            except NotTriedError as exc:
                faults.append(f"{address}: {exc}")
                waits.append(exc.seconds)
                continue
            except RelayError as exc:
                if not isinstance(exc, NoSlotError):
                    await asyncio.to_thread(self._breaker.failed, str(address), BROKEN)
                log.warning("%s: %s: %s", delivery.id, address, exc)
                faults.append(f"{address}: {exc}")
                unconfirmed = exc.unconfirmed
            else:
                log.debug("%s: %s answers: %s", delivery.id, address, replies)
                if any(reply.result is not Result.DEFERRED for reply in replies):
                    self._first = self._addresses.index(address)
                    await self._succeeded(address)
                    return Submission(replies, str(address), reduced)
                await asyncio.to_thread(self._breaker.failed, str(address), BUSY)
                faults.append(f"{address}: {replies[0].text}")
            self._avoid(address)
            if unconfirmed or patience.over:
                # Nobody else is asked: the message may be there already.
                break
        text = ("submitted, unconfirmed: " if unconfirmed else "") + "; ".join(faults)
        tried = len(waits) < len(self._addresses)
        if not tried and self._announce:
            await asyncio.to_thread(self._breaker.hold, min(waits))
        reply = Reply(Result.DEFERRED, printable(text.encode()), unconfirmed=unconfirmed, tried=tried)
        return Submission((reply,) * len(delivery.recipients), NOBODY)

    def _in_turn(self) -> Iterator[RelayAddress]:
        """Yield the addresses, first the one that worked last."""
        yield from self._addresses[self._first :]
        yield from self._addresses[: self._first]

    def _avoid(self, address: RelayAddress) -> None:
        if self._addresses[self._first] == address:
            self._first = (self._first + 1) % len(self._addresses)

    async def _attempt(
        self, address: RelayAddress, delivery: Delivery, message: bytes, patience: Patience
    ) -> tuple[tuple[Reply, ...], str]:
        slot = self._slot(address)
        try:
            async with patience.rest():
                await slot.acquire()
        except TimeoutError:
            raise NoSlotError("no connection became free in time") from None
        try:
            # Only now: while this waited, others may have found out that the relay does not work.
            await self._permission(address)
            streams = await self._open(address, patience)
            try:
                return await self._client.submit(streams, delivery, message, patience)
            finally:
                _close(streams[1])
        finally:
            slot.release()

    async def _permission(self, address: RelayAddress) -> None:
        if self._breaker.known_good(str(address)):
            return
        seconds = await asyncio.to_thread(self._breaker.wait, str(address))
        if seconds:
            raise NotTriedError(seconds)

    async def _succeeded(self, address: RelayAddress) -> None:
        if not self._breaker.known_good(str(address)):
            await asyncio.to_thread(self._breaker.succeeded, str(address))

    async def _open(self, address: RelayAddress, patience: Patience) -> Streams:
        try:
            async with patience.step(), asyncio.timeout(CONNECT_TIMEOUT):
                return await self._connect(address)
        except TimeoutError:
            raise RelayError("no connection in time") from None
        except OSError as exc:
            raise RelayError(f"no connection: {exc.strerror or exc}") from exc

    def _slot(self, address: RelayAddress) -> asyncio.Semaphore:
        loop = asyncio.get_running_loop()
        if loop is not self._loop:  # each task has an event loop of its own
            self._loop = loop
            self._slots = {known: asyncio.Semaphore(self._concurrency) for known in self._addresses}
        return self._slots[address]


class RelayChoice:
    """QMQP for most mail, SMTP for what QMQP cannot carry (R14)."""

    def __init__(self, main: Relay, smtp: Relay) -> None:
        """Use `smtp` for deliveries that need it."""
        self._main = main
        self._smtp = smtp
        self.longest = max(main.longest, smtp.longest)

    async def submit(self, delivery: Delivery, message: bytes) -> Submission:
        """See `Relay`."""
        return await (self._smtp if delivery.needs_smtp() else self._main).submit(delivery, message)


def relay_of(settings: Settings, helo: str, breaker: Breaker) -> Relay:
    """Return the relay that the settings describe; `helo` is our host's name.

    What goes over SMTP because QMQP cannot carry it does not tell the edges when no address may be tried.

    Raises:
        ConfigError: an address cannot be used, or there is none.
    """
    timeout = float(settings[options.DELIVERY_TIMEOUT])
    longest = min(STEPS * timeout, SHARE * settings[SCAN_TIME_LIMIT])

    def pool(addresses: Sequence[RelayAddress], client: Client, *, main: bool = True) -> RelayPool:
        return RelayPool(
            addresses,
            client,
            concurrency=settings[options.DELIVERY_CONCURRENCY],
            timeout=timeout,
            longest=longest,
            breaker=breaker,
            announce=main,
        )

    if settings[options.MSMAIL_DELIVERY_METHOD] is DeliveryMethod.SMTP:
        return pool(_main_addresses(settings), SmtpClient(helo))
    if settings[options.MSMAIL_SOCKET_TYPE] is SocketType.UNIX:
        main = pool([Unix(str(settings[options.MSMAIL_SOCKET_DIR]))], QmqpClient())
    else:
        main = pool(_main_addresses(settings), QmqpClient())
    texts = settings[options.SMTP_RELAY_ADDRESS]
    smtp = parse_addresses(settings.place(options.SMTP_RELAY_ADDRESS), texts, SMTP_PORT)
    return RelayChoice(main, pool(smtp, SmtpClient(helo), main=False)) if smtp else main


def check(settings: Settings) -> None:
    """Check that the relay can be spoken to as the settings say.

    Raises:
        ConfigError: an address that is none.
    """
    relay_of(settings, "localhost", NoBreaker())


def _main_addresses(settings: Settings) -> tuple[RelayAddress, ...]:
    name = settings.place(options.MSMAIL_RELAY_ADDRESS)
    texts = settings[options.MSMAIL_RELAY_ADDRESS]
    addresses = parse_addresses(name, texts, settings[options.MSMAIL_RELAY_PORT])
    if not addresses:
        raise ConfigError([f"{name}: there is no address"])
    return addresses


def _close(writer: asyncio.StreamWriter) -> None:
    if writer.transport.get_write_buffer_size():
        writer.transport.abort()  # the relay does not read: waiting for it would be for nothing
    else:
        writer.close()
