"""Giving up on a message that no scan survives: to the quarantine whole, without looking into it."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from msgspec.structs import replace

from mailmill.contents import ContentsStore
from mailmill.errors import DamagedSpoolFileError
from mailmill.ledger import Ledger
from mailmill.outcomes import ContentsMissing
from mailmill.scannotes import ScanNotes
from mailmill.spoolfile import unpack
from mailmill_workers.mail import Mail
from mailmill_workers.scan.decision import Decider, Decision
from mailmill_workers.scan.handon import HandOn

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class GiveUp:
    """Quarantines what the edge has given up on."""

    contents: ContentsStore
    ledger: Ledger
    decider: Decider
    hand_on: HandOn
    notes: ScanNotes

    def run(self, edge: str, mail_id: str, reason: str) -> None:
        """Put a message into the quarantine; `reason` is the evidence.

        Raises:
            ContentsError, redis.RedisError, BrokerError: Redis cannot be used; the edge's lease covers that.
        """
        decision = self._decide(edge, mail_id, reason)
        self.hand_on(edge, [decision])
        if decision.ended:
            self.notes.end(edge, [mail_id], [mail_id])

    def _decide(self, edge: str, mail_id: str, reason: str) -> Decision:
        data = self.contents.get([mail_id]).get(mail_id)
        try:
            if data is None:
                return Decision(ContentsMissing(mail_id), (), ())
            file = unpack(data)
        except DamagedSpoolFileError as exc:
            log.error("%s: came damaged from the contents store: %s", mail_id, exc)  # noqa: TRY400 - no trace
            return Decision(ContentsMissing(mail_id), (), ())
        done = self.ledger.confirmed([mail_id])[mail_id]
        log.error("%s: given up on: %s", mail_id, reason)
        # As in a scan: the edge that sent it owns it.
        mail = Mail(replace(file.header, edge=edge), file.content)
        return self.decider.give_up(mail, reason, done)
