"""Names for messages: Mailmill's own ids and queue ids in Postfix's two styles.

A Mailmill id is `TTTTTTTTTTRRRRRRRR-QUEUEID`: ten characters of Crockford base 32 with the arrival in
milliseconds (they sort by time), eight random ones (40 bits), and the queue id that the sender was told. It
is never used twice: a queue id that comes back is a second message.
"""

from __future__ import annotations

import re
import secrets

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TIME_CHARS = 10
_RANDOM_CHARS = 8

#: Postfix's long queue ids write digits in base 52 without vowels (Postfix: src/global/mail_queue.h).
_BASE52 = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz"

#: What Postfix announces in its `i` macro: letters and digits. Longer or other text is not a queue id.
QUEUE_ID = re.compile(r"[0-9A-Za-z]{1,32}\Z")

#: A Mailmill id; safe as a file name and as part of a Redis key.
MAIL_ID = re.compile(r"[0-9A-HJKMNP-TV-Z]{18}-[0-9A-Za-z]{1,32}\Z")


def _encode(number: int, alphabet: str, width: int) -> str:
    base = len(alphabet)
    digits = []
    for _ in range(width):
        number, digit = divmod(number, base)
        digits.append(alphabet[digit])
    return "".join(reversed(digits))


def new_mail_id(now: float, queue_id: str) -> str:
    """Return a new Mailmill id for a message that arrived at `now` (seconds since the epoch).

    Raises:
        ValueError: `queue_id` is not a queue id.
    """
    if not QUEUE_ID.match(queue_id):
        raise ValueError(f"not a queue id: {queue_id!r}")
    stamp = time_prefix(now)
    unique = _encode(secrets.randbits(5 * _RANDOM_CHARS), _CROCKFORD, _RANDOM_CHARS)
    return f"{stamp}{unique}-{queue_id}"


def arrival_of(mail_id: str) -> float:
    """Return the arrival time in a Mailmill id, in seconds since the epoch.

    Raises:
        ValueError: `mail_id` is not a Mailmill id.
    """
    if not MAIL_ID.match(mail_id):
        raise ValueError(f"not a Mailmill id: {mail_id!r}")
    number = 0
    for char in mail_id[:_TIME_CHARS]:
        number = number * 32 + _CROCKFORD.index(char)
    return number / 1000


def time_prefix(moment: float) -> str:
    """Return what ids from `moment` (seconds since the epoch) begin with; earlier ones sort first."""
    return _encode(int(moment * 1000), _CROCKFORD, _TIME_CHARS)


def queue_id_of(mail_id: str) -> str:
    """Return the queue id that a Mailmill id carries."""
    return mail_id.partition("-")[2]


def short_queue_id(now: float, number: int) -> str:
    """Return a queue id in Postfix's short style: five hexadecimal digits of microseconds, then `number`.

    Source: Postfix, `enable_long_queue_ids = no`; there `number` is the inode of the queue file.
    """
    return f"{int(now * 1_000_000) % 1_000_000:05X}{number:X}"


def long_queue_id(now: float, number: int) -> str:
    """Return a queue id in Postfix's long style: seconds, microseconds (base 52), `z`, `number` (base 51).

    Source: Postfix, `enable_long_queue_ids = yes`: six characters of seconds, four of microseconds.
    """
    microseconds = int(now * 1_000_000)
    seconds, fraction = divmod(microseconds, 1_000_000)
    base51 = _BASE52[:-1]
    digits = ""
    while True:
        number, digit = divmod(number, 51)
        digits = base51[digit] + digits
        if not number:
            break
    return f"{_encode(seconds, _BASE52, 6)}{_encode(fraction, _BASE52, 4)}z{digits}"
