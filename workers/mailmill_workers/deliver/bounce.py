"""What answers for mail that cannot be delivered: a bounce to its sender, or the quarantine and a notice.

And what tells a sender that it cannot be delivered yet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final, Self

from mailmill.delaywarning import may_warn, warning_covers
from mailmill.delivery import Delivery, delivery_id, group_label, is_forwarded, is_letter
from mailmill.envelope import Recipient, argument
from mailmill.settings import Settings
from mailmill.settings.options.delivery import BOUNCE_FROM
from mailmill.settings.options.policy import NOTICES_TO
from mailmill.settings.options.system import QUARANTINE_DIR, QUARANTINE_GROUP, QUARANTINE_PERMISSIONS
from mailmill_workers.deliver.dsn import Failed, Report, render
from mailmill_workers.deliver.keep import keep
from mailmill_workers.deliver.parts import Part, marks
from mailmill_workers.scan.judgement import Verdict
from mailmill_workers.scan.quarantine import Quarantine

#: Bytes of a message that are returned with a bounce; of a longer one only the headers (Postfix:
#: bounce_size_limit, 50000).
RETURN_LIMIT: Final = 50_000
#: The status of a recipient that was tried for too long (RFC 3463, X.4.7).
EXPIRED: Final = "4.4.7"

#: What a bounce and a notice cover, before the label of the recipients that they answer for.
_BOUNCE: Final = "bounce:"
_NOTICE: Final = "postmaster:"

#: What is never returned: its sender is likely to be forged (R17).
_NEVER_RETURNED: Final = frozenset({Verdict.SPAM, Verdict.HIGH_SPAM, Verdict.INFECTED, Verdict.FORBIDDEN})


@dataclass(frozen=True)
class Answer:
    """What answers for mail that cannot be delivered."""

    #: The bounce, or the notice to the postmaster; None when nobody is to be told.
    delivery: Delivery | None = None
    #: Where the mail is kept; empty when it is not.
    place: str = ""


def is_last_resort(delivery: Delivery) -> bool:
    """Return whether a delivery is a notice to the postmaster: there is nobody to tell that it failed."""
    return any(mark.startswith(_NOTICE) for mark in delivery.covers)


class Bouncer:
    """Makes the deliveries that answer for refused and expired ones. The same failure gets the same id."""

    def __init__(
        self,
        *,
        host: str,
        bounce_from: str,
        notices_to: tuple[str, ...],
        quarantine: Quarantine,
        clock: Callable[[], float],
    ) -> None:
        """Write as `bounce_from` (at `host` if it has no domain).

        What cannot bounce goes into the `quarantine`, and `notices_to` hears of it.
        """
        self._host = host
        self._from = bounce_from if "@" in bounce_from else f"{bounce_from}@{host}"
        self._notices_to = notices_to
        self._quarantine = quarantine
        self._clock = clock

    @classmethod
    def of(cls, settings: Settings, host: str, clock: Callable[[], float]) -> Self:
        """Return what the settings describe."""
        return cls(
            host=host,
            bounce_from=settings[BOUNCE_FROM],
            notices_to=settings.rule(NOTICES_TO).default,
            quarantine=Quarantine(
                settings.rule(QUARANTINE_DIR).default,
                settings[QUARANTINE_PERMISSIONS],
                settings[QUARANTINE_GROUP],
            ),
            clock=clock,
        )

    def answer(self, part: Part, message: bytes, relay: str, *, expired: bool = False) -> Answer:
        """Return what answers for recipients that `message` did not reach.

        A bounce; or, for mail without a sender that could be told, for spam and viruses, for what was
        forwarded by rule, and for what may have been delivered all the same, the quarantine and a notice.
        Nothing when the sender asked not to be told (NOTIFY without FAILURE, RFC 3461, 4.1), for what is
        itself a notice to the postmaster, and for a letter to a message's sender or recipient.

        Args:
            part: the recipients and why they failed.
            message: lines ending in LF.
            relay: which relay refused them, for the report.
            expired: they were not refused but tried for too long.

        Raises:
            QuarantineError: it must be kept and the disk refuses.
        """
        about = part.delivery
        if is_last_resort(about) or is_letter(about):
            return Answer()
        failed = [
            Failed(recipient, reply, EXPIRED if expired else reply.status)
            for recipient, reply in zip(about.recipients, part.replies, strict=True)
        ]
        bounces = (
            about.sender not in {"", self._from}
            and bool(failed)
            and about.verdict not in _NEVER_RETURNED
            and not is_forwarded(about)
            and not any(reply.unconfirmed for reply in part.replies)
        )
        place = ""
        if bounces:
            failed = [one for one in failed if _wants(one.recipient, "FAILURE")]
            if not failed:
                return Answer()
        else:
            place = str(keep(self._quarantine, about, message, _reasons(part)))
            if not self._notices_to:
                return Answer(place=place)
        covers = ((_BOUNCE if bounces else _NOTICE) + group_label(marks(about) or about.covers),)
        to = (about.sender,) if bounces else self._notices_to
        report = Report(
            host=self._host,
            sender=self._from,
            to=to,
            subject="Your mail could not be delivered" if bounces else "Mail that could not be delivered",
            now=self._clock(),
            id=delivery_id(about.mail_id, covers),
            text=self._text(about, failed, place=place, expired=expired),
            relay=relay,
        )
        returned = argument(about.sender_args, "RET") or ""
        whole = (
            bounces
            and about.verdict == Verdict.CLEAN
            and returned.upper() != "HDRS"
            and len(message) <= RETURN_LIMIT
        )
        delivery = Delivery(
            id=report.id,
            mail_id=about.mail_id,
            edge=about.edge,
            sender="",
            recipients=tuple(Recipient(address) for address in to),
            sender_args=() if all(address.isascii() for address in to) else ("SMTPUTF8",),
            head=render(report, about, failed, message, whole=whole),
            content="",
            covers=covers,
            arrival=report.now,
            verdict="bounce" if bounces else "notice",
        )
        return Answer(delivery, place)

    def warning(self, part: Part, delayed: str, message: bytes, until: float) -> Delivery | None:
        """Return what tells the sender that recipients wait, or None when nobody is to be told.

        That is so where no bounce would be sent either, and for recipients with a NOTIFY without DELAY
        (RFC 3461, 4.1). Only the headers of the message come with it.

        Args:
            part: the recipients that wait, and why.
            delayed: the id of their delivery, perhaps one to more recipients.
            message: lines ending in LF.
            until: when they are given up, in seconds since the epoch.
        """
        about = part.delivery
        waiting = [
            Failed(recipient, reply, reply.status)
            for recipient, reply in zip(about.recipients, part.replies, strict=True)
            if _wants(recipient, "DELAY")
        ]
        told = may_warn(about) and about.sender != self._from and about.verdict not in _NEVER_RETURNED
        if not told or not waiting:
            return None
        covers = warning_covers(delayed)
        report = Report(
            host=self._host,
            sender=self._from,
            to=(about.sender,),
            subject="Your mail is delayed",
            now=self._clock(),
            id=delivery_id(about.mail_id, covers),
            text=self._delay_text(about, waiting, until),
            relay="none",
            action="delayed",
            retry_until=until,
        )
        return Delivery(
            id=report.id,
            mail_id=about.mail_id,
            edge=about.edge,
            sender="",
            recipients=(Recipient(about.sender),),
            sender_args=() if about.sender.isascii() else ("SMTPUTF8",),
            head=render(report, about, waiting, message, whole=False),
            content="",
            covers=covers,
            arrival=report.now,
            verdict="delay warning",
        )

    def _delay_text(self, about: Delivery, waiting: list[Failed], until: float) -> str:
        return "\n".join(
            [
                f"The mail system of {self._host} could not deliver your message yet",
                "to the recipients below. This is only a warning: do not send it again.",
                f"It is tried until {format_datetime(datetime.fromtimestamp(int(until), UTC))}.",
                "",
                *(f"  <{one.recipient.address}>: {one.reply.text or 'no reason given'}" for one in waiting),
                "",
                "What follows is a report for programs, and the headers of the message.",
                "",
                f"Mailmill's id of the message: {about.mail_id}",
                "",
            ]
        )

    def _text(self, about: Delivery, failed: list[Failed], *, place: str, expired: bool) -> str:
        whose = f"a message from <{about.sender}>" if place else "your message"
        tried = "tried for too long to deliver" if expired else "could not deliver"
        lines = [
            f"The mail system of {self._host} {tried} {whose}",
            "to the recipients below. There will be no further attempt.",
            "",
            *(
                f"  <{one.recipient.address}>: {one.reply.text or 'refused without a reason'}"
                for one in failed
            ),
            *([] if failed else ["  (it has no recipients)"]),
            "",
            "What follows is a report for programs, and the message or its headers.",
        ]
        if place:
            lines += ["", f"Its sender is not told. It is kept in the quarantine: {place}"]
        lines += ["", f"Mailmill's id of the message: {about.mail_id}", ""]
        return "\n".join(lines)


def _reasons(part: Part) -> tuple[str, ...]:
    return tuple(dict.fromkeys(reply.text for reply in part.replies if reply.text))


def _wants(recipient: Recipient, what: str) -> bool:
    """Return whether the sender wants to hear `what`; without NOTIFY, anything (RFC 3461, 4.1)."""
    notify = argument(recipient.args, "NOTIFY")
    return notify is None or what in notify.upper().split(",")
