"""What became of the samples: read from the mailbox and the quarantine, and shown as a table."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mailmill_local.mailbox import Mailbox, Received
from mailmill_local.samples import Fate, Sample, Sent


@dataclass(frozen=True)
class Result:
    """What is known of one sample."""

    sent: Sent
    #: What became of it, for people.
    words: str
    #: It is what had to become of it.
    right: bool
    #: From the edge's reply to the moment at which all was seen, in seconds.
    seconds: float


class Results:
    """Looks for what was sent until everything has reached its end.

    Args:
        mailbox: The relay's.
        quarantine: `Quarantine Dir`.
        postmaster: Where notices go.
        clock: Seconds, monotonic.
    """

    def __init__(
        self, mailbox: Mailbox, quarantine: Path, postmaster: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._mailbox = mailbox
        self._quarantine = quarantine
        self._postmaster = postmaster
        self._clock = clock
        self._settled: dict[str, Result] = {}

    def look(self, sent: Sequence[Sent]) -> list[Result]:
        """Return what is known now of each message; what is right stays so and is not looked for again."""
        open_ones = [one for one in sent if one.sample.message_id not in self._settled]
        received = self._mailbox.messages() if open_ones else []
        results = []
        for one in sent:
            result = self._settled.get(one.sample.message_id) or self._result(one, received)
            if result.right:
                self._settled[one.sample.message_id] = result
            results.append(result)
        return results

    def _result(self, sent: Sent, received: Sequence[Received]) -> Result:
        sample = sent.sample
        seconds = self._clock() - sent.at
        if not sent.queue_id:
            return Result(sent, f"not accepted: {sent.reply}", right=False, seconds=seconds)
        copies = [mail for mail in received if mail.header("Message-ID") == sample.message_id]
        folders = [
            path for path in self._quarantine.glob(f"*/*-{sent.queue_id}") if (path / "message").exists()
        ]
        notices = [
            mail
            for mail in received
            if mail.recipient == self._postmaster
            and any(path.name in (mail.header("Message-ID") or "") for path in folders)
        ]
        words, fate = _describe(sample, copies, stopped=bool(folders), notified=bool(notices))
        return Result(sent, words, right=fate is sample.fate, seconds=seconds)


def _describe(
    sample: Sample, copies: Sequence[Received], *, stopped: bool, notified: bool
) -> tuple[str, Fate | None]:
    """Return what became of a sample in words and, when it has reached an end, its fate."""
    reached = sorted(mail.recipient for mail in copies)
    wanted = sorted(sample.recipients)
    # Headers may be added on top; all that was submitted must still be there behind them.
    kept = all(mail.data.endswith(sample.data.replace(b"\r\n", b"\n")) for mail in copies)
    marked = bool(copies) and all(mail.header("X-Spam-Status") == "Yes" for mail in copies)
    facts = []
    if copies:
        facts.append(f"delivered to {len(set(reached))}/{len(wanted)}")
        if marked:
            facts.append("marked as spam")
        if len(reached) > len(set(reached)):
            facts.append(f"{len(reached) - len(set(reached))} twice")
        if not kept:
            facts.append("BYTES CHANGED")
    if stopped:
        facts.append("quarantined")
        facts.append("notice sent" if notified else "no notice yet")
    fate = None
    if stopped and notified and not copies:
        fate = Fate.QUARANTINED
    elif reached == wanted and kept and not stopped:
        fate = Fate.MARKED if marked else Fate.DELIVERED
    return ", ".join(facts) or "still on its way", fate


def table(results: Sequence[Result]) -> list[str]:
    """Return the lines of a table of results."""
    head = ("sample", "size", "queue id", "what became of it", "after", "")
    rows = [
        (
            result.sent.sample.name,
            _size(len(result.sent.sample.data)),
            result.sent.queue_id or "-",
            result.words,
            f"{result.seconds:.1f} s",
            "ok" if result.right else f"WRONG (expected: {result.sent.sample.fate.value})",
        )
        for result in results
    ]
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in [head, *rows]
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return [line.rstrip() for line in lines]


def _size(count: int) -> str:
    """Return a number of bytes for people: `812 B`, `1.2 kB`, `5.1 MB`."""
    number = float(count)
    for unit in ("B", "kB"):
        if number < 1000:  # noqa: PLR2004 - decimal prefixes
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} MB"
