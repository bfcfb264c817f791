"""The letters about a message as deliveries: to its sender, and to each recipient that is to be told.

They have no sender, so that one that cannot be delivered makes no further mail. What they cover names the
recipients that they are about: after a crash nobody is told again, however a second scan splits the message.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape
from typing import Final, Literal

from mailmill.delivery import Delivery, delivery_id, letter_mark
from mailmill.envelope import Recipient, argument
from mailmill.reports.template import Values, render
from mailmill.reports.variables import Variables
from mailmill.settings import Settings
from mailmill.settings.formail import MailSettings
from mailmill.settings.options.policy import LOCAL_POSTMASTER
from mailmill.settings.options.reports import REPORT_HOSTNAME
from mailmill.settings.options.system import QUARANTINE_DIR
from mailmill_workers.content.signing import sign
from mailmill_workers.content.subject import Insertion, tag_subject
from mailmill_workers.mail import Mail
from mailmill_workers.scan.headers import header_block
from mailmill_workers.scan.judgement import Judgement, Letter
from mailmill_workers.scan.mailtext import header_lines, header_values, printable
from mailmill_workers.scan.policy import facts_for
from mailmill_workers.scan.reportmail import Frame, report_mail, text_part
from mailmill_workers.scan.wrapping import outside, wrap

#: The longest message that is returned whole with a bounce, in bytes (Postfix: bounce_size_limit, 50000).
RETURN_LIMIT: Final = 50_000
#: The most findings and names that a letter lists.
_MOST: Final = 50


@dataclass(frozen=True)
class Correspondence:
    """Writes letters, and the warning that a message is put into."""

    settings: Settings
    #: The name of this host.
    host: str
    clock: Callable[[], float] = time.time

    def letters(
        self, mail: Mail, judged: Iterable[tuple[Judgement, tuple[int, ...]]], done: Collection[str]
    ) -> Iterator[Delivery]:
        """Yield the letters about a message.

        Args:
            mail: the message.
            judged: judgements, and the recipients (by index) of each.
            done: marks that are confirmed.
        """
        senders: dict[Letter, tuple[Judgement, list[int]]] = {}
        for judgement, indexes in judged:
            if judgement.to_sender is not None:
                wanted = [i for i in indexes if _wants_failures(mail.envelope.recipients[i])]
                senders.setdefault(judgement.to_sender, (judgement, []))[1].extend(wanted)
            if judgement.to_recipient is not None:
                for index in indexes:
                    yield from self._letter(
                        mail, judgement, judgement.to_recipient, "recipient", [index], done
                    )
        for letter, (judgement, about) in senders.items():
            yield from self._letter(mail, judgement, letter, "sender", about, done)

    def wrap(
        self, mail: Mail, judgement: Judgement, indexes: tuple[int, ...], headers: bytes
    ) -> tuple[bytes, bytes, int]:
        """Return what stands in front of a message and behind it, and how much of it is left out.

        In front there are the headers, the message's own as far as the tag in its subject, and the warning.
        """
        tag = judgement.tag
        tagged = tag_subject(mail.content, tag.text, tag.place) if tag else Insertion(0, b"")
        if judgement.warning is None:
            return headers + mail.content[: tagged.at] + tagged.added, b"", tagged.at
        values = self._values(mail, judgement, Letter(judgement.warning), indexes)
        text = render(self.settings.reports.text(judgement.warning), values)
        head, tail = wrap(mail.content, headers, text, outside(tagged.into(mail.content)))
        return head, tail, 0

    def sign(self, mail: Mail, judgement: Judgement, indexes: tuple[int, ...]) -> bytes | None:
        """Return a message with the signature and the tag of its judgement; None without a signature."""
        signature = judgement.signature
        if signature is None or judgement.warning is not None:
            return None
        some = signature.text or signature.html
        if some is None:
            return None
        values = self._values(mail, judgement, Letter(some), indexes)
        quoted = Values({name: escape(value) for name, value in values.message.items()}, values.site)
        text = render(self.settings.reports.text(signature.text), values) if signature.text else ""
        html = render(self.settings.reports.text(signature.html), quoted) if signature.html else ""
        signed = sign(mail.content, text, html)
        tag = judgement.tag
        return (
            signed if signed is None or tag is None else tag_subject(signed, tag.text, tag.place).into(signed)
        )

    def replace(self, mail: Mail, letter: Letter, judgement: Judgement, indexes: tuple[int, ...]) -> bytes:
        """Return what is delivered in place of a message."""
        values = self._values(mail, judgement, letter, indexes)
        text = render(self.settings.reports.text(letter.text), values)
        return (
            header_block(judgement.headers) + outside(mail.content) + b"MIME-Version: 1.0\n" + text_part(text)
        )

    def _letter(
        self,
        mail: Mail,
        judgement: Judgement,
        letter: Letter,
        whom: Literal["sender", "recipient"],
        about: list[int],
        done: Collection[str],
    ) -> Iterator[Delivery]:
        about = [index for index in about if letter_mark(whom, index) not in done]
        if not about:
            return
        covers = tuple(letter_mark(whom, index) for index in about)
        envelope = mail.envelope
        to = envelope.sender if whom == "sender" else envelope.recipients[about[0]].address
        number = delivery_id(mail.id, covers)
        values = self._values(mail, judgement, letter, tuple(about))
        message = values.message
        frame = Frame(
            sender=f'"{message["postmastername"]}" <{message["localpostmaster"]}>',
            to=printable(to),
            message_id=f"<{number}@{self.host}>",
            now=self.clock(),
        )
        text = self.settings.reports.text(letter.text)
        yield Delivery(
            id=number,
            mail_id=mail.id,
            edge=mail.header.edge,
            sender="",
            recipients=(Recipient(to),),
            sender_args=() if to.isascii() else ("SMTPUTF8",),
            head=report_mail(text, values, frame, _returned(mail.content) if letter.returns else None),
            content="",
            covers=covers,
            arrival=mail.header.arrival,
            verdict="notice",
        )

    def _values(self, mail: Mail, judgement: Judgement, letter: Letter, about: tuple[int, ...]) -> Values:
        envelope = mail.envelope
        settings = MailSettings(self.settings, facts_for(mail, envelope.recipients[about[0]]))
        recipients = tuple(printable(envelope.recipients[index].address) for index in about)
        host = settings[REPORT_HOSTNAME] or self.host
        postmaster = settings[LOCAL_POSTMASTER]
        spam = judgement.spam
        symbols = spam.answer.symbols if spam.answer else ()
        arrival = datetime.fromtimestamp(int(mail.header.arrival), UTC)
        variables = Variables(
            sender=printable(envelope.sender) or "<>",
            to=", ".join(_some(recipients)),
            subject=next(iter(header_values(mail.content, "Subject")), ""),
            date=format_datetime(arrival),
            datenumber=arrival.strftime("%Y%m%d"),
            id=mail.id,
            hostname=host,
            localpostmaster=postmaster if "@" in postmaster else f"{postmaster}@{self.host}",
            postmastername=settings.words["mailscanner"].replace('"', ""),
            report="\n".join(_some(tuple(map(printable, letter.findings)))),
            filename=", ".join(_some(tuple(map(printable, letter.filenames)))),
            quarantinedir=str(settings[QUARANTINE_DIR]),
            spamreport=printable(spam.text.partition(" (")[0] if spam.answer else spam.text),
            fullspamreport=printable(spam.text),
            longspamreport="\n".join(f"{points:6.2f} {printable(name)}" for name, points in symbols),
            sascore=f"{spam.score:g}",
            messagesize=str(len(mail.content)),
        )
        return Values(variables.by_name, self.settings.variables)


def _some(texts: tuple[str, ...]) -> tuple[str, ...]:
    more = len(texts) - _MOST
    return texts if more <= 0 else (*texts[:_MOST], f"and {more} more")


def _returned(content: bytes) -> bytes:
    """Return the part with a message, or with its headers when it is long."""
    whole = len(content) <= RETURN_LIMIT
    data = content if whole else b"".join(header_lines(content))
    kind = b"message/rfc822" if whole else b"text/rfc822-headers"
    encoding = b"7bit" if data.isascii() else b"8bit"
    return b"Content-Type: %s\nContent-Transfer-Encoding: %s\n\n%s" % (kind, encoding, data)


def _wants_failures(recipient: Recipient) -> bool:
    """Return whether the sender wants to hear of failures; without NOTIFY yes (RFC 3461, 4.1)."""
    notify = argument(recipient.args, "NOTIFY")
    return notify is None or "FAILURE" in notify.upper().split(",")
