"""`Milter Scanner`: refusing mail of known senders in the SMTP session."""

from __future__ import annotations

from mailmill.envelope import Envelope
from mailmill.hostnames import look_up
from mailmill.settings import MailFacts, Settings
from mailmill.settings.options.policy import (
    IS_DEFINITELY_NOT_SPAM,
    IS_DEFINITELY_SPAM,
    WHITELIST_MAX_RECIPIENTS,
)


class Blocklist:
    """Decides on a message by its envelope alone.

    A milter can refuse a message only for all its recipients. So it is refused when `Is Definitely Spam`
    holds for every one of them and `Is Definitely Not Spam` for none; the latter is ignored when there are
    more recipients than `Ignore Spam Whitelist If Recipients Exceed`. When the rules differ between
    recipients the message is taken, and the scan treats each of them by its own rules.
    """

    def __init__(self, settings: Settings) -> None:
        self._spam = settings.rule(IS_DEFINITELY_SPAM)
        self._not_spam = settings.rule(IS_DEFINITELY_NOT_SPAM)
        self._max_recipients = settings[WHITELIST_MAX_RECIPIENTS]

    @property
    def may_wait(self) -> bool:
        """Whether `refuses` may take long: it may ask the DNS for a client's name, or somebody's function."""
        return self._spam.may_wait or self._not_spam.may_wait

    def refuses(self, envelope: Envelope) -> bool:
        """Say whether the message is unwanted by all its recipients; never for a message without any."""
        heed_exemptions = len(envelope.recipients) <= self._max_recipients
        copies = [
            MailFacts(
                sender=envelope.sender,
                recipient=recipient.address,
                client_address=envelope.client.address,
                client_name=envelope.client.name,
                look_up=look_up,
            )
            for recipient in envelope.recipients
        ]
        return bool(copies) and all(
            self._spam.first(copy) and not (heed_exemptions and self._not_spam.first(copy)) for copy in copies
        )
