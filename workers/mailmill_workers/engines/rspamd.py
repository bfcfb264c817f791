"""rspamd, over HTTP: POST /checkv2 at its normal worker (rspamd: protocol description)."""

from __future__ import annotations

import math
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import aiohttp
import msgspec
from msgspec import Struct

from mailmill.findings import Scored
from mailmill_workers.engines.silence import Silence
from mailmill_workers.engines.turns import NoAnswerError, Turns
from mailmill_workers.engines.versions import versions_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailmill.findings import SpamAnswer
    from mailmill_workers.mail import Mail

#: Messages that one scan task has at rspamd at the same time. Its worker takes any number; more than its
#: processes can work on only wait there instead of here.
CONCURRENCY: Final = 10

#: The longest answer that is read, in bytes. Real ones have 2 to 20 kB.
_MAX_ANSWER: Final = 1_000_000

#: The most bytes of Rcpt headers that are sent: rspamd 3.4 closes the connection on 80 kB of headers
#: (measured). Rules that count recipients see the first thousand or so.
_MAX_RCPT_BYTES: Final = 60_000

#: Points of a message that rspamd rejects without naming its threshold (rspamd: actions.conf, reject = 15).
_REJECT_SCORE: Final = 15.0

#: Headers of the request that do not matter for the score: for rspamd's log, and what lets us in.
_NO_MATTER: Final = {"Content-Type", "Queue-Id", "Password"}

#: What rspamd does about a message that it would do otherwise another time (rspamd: greylisting, ratelimit).
_MOMENTARY_ACTIONS: Final = {"soft reject", "greylist"}
#: How the symbols of the modules begin that do so.
_MOMENTARY_SYMBOLS: Final = ("GREYLIST", "RATELIMIT")

#: Servers that hang, for as long as this process lives.
_silence: Silence[str] = Silence()

_UNSAFE: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


class _Symbol(Struct):
    score: float = 0.0


class _Answer(Struct):
    """The fields of the answer that count here; rspamd sends more."""

    action: str
    score: float | None = None
    required_score: float | None = None
    symbols: dict[str, _Symbol] = {}
    #: Whether rspamd did not look at the message at all.
    is_skipped: bool = False


class Rspamd:
    """The spam engine `rspamd`."""

    name: Final = "rspamd"

    def __init__(self, urls: Sequence[str], limit: float, password: str = "") -> None:
        """Take the URLs to be tried in turn, and the time for one message at one of them in seconds."""
        self.servers: Final = tuple(url.rstrip("/") for url in urls)
        self._turns = Turns(self.servers, limit, CONCURRENCY, _silence)
        self._password = password
        self._session: aiohttp.ClientSession | None = None

    async def check(self, mail: Mail) -> SpamAnswer:
        """Return rspamd's score; `Failed` when no server gives one."""
        headers = self._headers(mail)
        return await self._turns.ask(lambda url: self._check(url, mail.content, headers))

    def told(self, mail: Mail) -> tuple[str, ...]:
        """Return the headers of the request, without those that do not matter for the score."""
        return tuple(f"{name}: {value}" for name, value in self._headers(mail) if name not in _NO_MATTER)

    async def version(self) -> str | None:
        """Return the versions of the program: `rspamd/3.4`, see `versions_of`.

        The worker that takes mail does not tell the version of its configuration.
        """
        return await versions_of(self.servers, self._version)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _check(self, url: str, content: bytes, headers: list[tuple[str, str]]) -> Scored:
        try:
            async with self._open().post(f"{url}/checkv2", data=content, headers=headers) as response:
                answer = b""
                async for piece in response.content.iter_any():
                    answer += piece
                    if len(answer) > _MAX_ANSWER:
                        raise NoAnswerError(f"an answer of more than {_MAX_ANSWER} bytes")
                if response.status != HTTPStatus.OK:
                    raise NoAnswerError(f"HTTP {response.status} {response.reason or ''}".rstrip())
        except aiohttp.ClientError as exc:
            raise NoAnswerError(str(exc) or type(exc).__name__) from exc
        return judge(answer)

    async def _version(self, url: str) -> str:
        try:
            async with self._open().get(f"{url}/ping") as response:
                return response.headers["Server"]
        except aiohttp.ClientError as exc:
            raise NoAnswerError(str(exc) or type(exc).__name__) from exc
        except KeyError:
            raise NoAnswerError("no version") from None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=None),  # the caller holds the time limit
                connector=aiohttp.TCPConnector(limit=CONCURRENCY),
            )
        return self._session

    def _headers(self, mail: Mail) -> list[tuple[str, str]]:
        envelope = mail.envelope
        headers = [
            ("Content-Type", "application/octet-stream"),
            ("From", f"<{envelope.sender}>"),
            ("IP", envelope.client.address),
            ("Helo", envelope.client.helo),
            ("Hostname", envelope.client.name),
            ("Queue-Id", mail.queue_id),
        ]
        if envelope.sasl is not None:
            headers.append(("User", envelope.sasl.login))
        if envelope.tls is not None:
            headers.append(("TLS-Cipher", envelope.tls.cipher))
            headers.append(("TLS-Version", envelope.tls.protocol))
        if self._password:
            headers.append(("Password", self._password))
        left = _MAX_RCPT_BYTES
        for recipient in envelope.recipients:
            left -= len(recipient.address.encode("utf-8", "replace")) + len("Rcpt: <>\r\n")
            if left < 0:
                break
            headers.append(("Rcpt", f"<{recipient.address}>"))
        return [(name, _UNSAFE.sub("?", value)) for name, value in headers if value]


def judge(answer: bytes) -> Scored:
    """Return what rspamd's JSON means.

    The GTUBE test string makes rspamd skip its rules: it answers action `reject` with the threshold itself
    as the score (3.4: 15 of 15) and the symbol GTUBE with 0 points. A module may reject ahead of the rules in
    the same way and leave the score low or out. So a `reject` never scores less than the threshold.

    Raises:
        NoAnswerError: it is not the answer to a check.
    """
    try:
        said = msgspec.json.decode(answer, type=_Answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise NoAnswerError(f"not an answer to a check: {exc}") from exc
    score = said.score
    if said.action == "reject":
        threshold = said.required_score if said.required_score is not None else _REJECT_SCORE
        score = threshold if score is None else max(score, threshold)
    if score is None or not math.isfinite(score):
        raise NoAnswerError("an answer without a score")
    symbols = ((name, s.score if math.isfinite(s.score) else 0.0) for name, s in said.symbols.items())
    momentary = said.is_skipped or said.action in _MOMENTARY_ACTIONS
    momentary = momentary or any(name.startswith(_MOMENTARY_SYMBOLS) for name in said.symbols)
    return Scored(score, tuple(symbols), momentary)
