"""Collecting what became of the letters: inbox, quarantine, bounces, spools."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from faults.account import Found
from faults.relayproxy import RelayProxy
from mailmill.errors import MailmillError
from mailmill.spool import Spool, State
from mailmill_local.configuration import Places
from mailmill_local.servers.relay import PostfixRelay
from mailmill_workers.scan.quarantine import QuarantinedEnvelope

#: States in which a message of a spool was accepted. What is in `incoming` never was.
ACCEPTED = (State.ACTIVE, State.DEFERRED, State.CORRUPT)


@dataclass(frozen=True)
class Waiting:
    """An accepted message that has not reached its end."""

    spool: Spool
    state: State
    name: str


def waiting(places: Places) -> list[Waiting]:
    """Return the accepted messages that have not reached their end.

    Each call looks with eyes of its own: who remembers that a writer lived settles what it left behind, and
    that is for the queue manager to do.
    """
    return [
        Waiting(spool, state, name)
        for spool in map(Spool, (places.incoming, places.outgoing))
        for state in ACCEPTED
        for name in spool.names(state)
    ]


def relay_is_quiet(relay: PostfixRelay) -> bool:
    """Tell whether everything that the relay took is in the inbox."""
    return not any(relay.mail())


def collect(places: Places, relay: PostfixRelay, proxy: RelayProxy, prefix: str) -> tuple[Found, list[str]]:
    """Return what is found of the letters with this prefix, and the recipients of what is none of them.

    What was counted is removed, so that what comes later is noticed.
    """
    found, strangers = Found(), []
    for message in relay.mailbox.messages():
        recipient = message.recipient
        if recipient.startswith(prefix):
            found.inbox[recipient].append(message.body)
            if message.header("X-Spam-Status") is None:
                found.unscanned.add(recipient)
        elif recipient.startswith(f"from-{prefix}"):
            found.bounces[_sent_to(recipient)] += 1
        elif not recipient.startswith("postmaster@"):
            strangers.append(recipient)
        message.path.unlink()
    for recipient, body, reasons in _quarantined(places.quarantine):
        if recipient.startswith(prefix):
            found.quarantine[recipient].append(body)
            found.reasons[recipient] = reasons
    for message in waiting(places):
        found.waiting.update(_recipients(message))
    found.cuts.update(recipient for recipient in proxy.cut() if recipient.startswith(prefix))
    return found, strangers


def _sent_to(sender: str) -> str:
    """Return the recipient of the letter that has this sender."""
    return sender.removeprefix("from-").replace("@example.org", "@example.com")


def _quarantined(root: Path) -> Iterator[tuple[str, bytes, str]]:
    for message in root.glob("*/*/message"):
        record = msgspec.json.decode((message.parent / "envelope").read_bytes(), type=QuarantinedEnvelope)
        body = message.read_bytes().partition(b"\n\n")[2]
        for recipient in record.envelope.recipients:
            yield recipient.address, body, f"{record.verdict}: {'; '.join(record.reasons)}"


def _recipients(message: Waiting) -> list[str]:
    try:
        header = message.spool.read_header(message.name, message.state)
    except MailmillError:
        return []  # it has just gone, or is damaged: its letter is then counted as lost
    addresses = [recipient.address for recipient in header.envelope.recipients]
    return [_sent_to(address) if address.startswith("from-") else address for address in addresses]
