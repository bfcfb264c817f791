"""Options of delivery to the relay, and of the retries."""

from __future__ import annotations

from typing import Final

from mailmill.settings.kinds import DURATION, PATH, TEXT, WORDS, one_of, whole_number
from mailmill.settings.option import Effect, Option, Origin
from mailmill.settings.options.choices import DeliveryMethod, SocketType

MSMAIL_DELIVERY_METHOD: Final = Option(
    "MSMail Delivery Method",
    one_of(DeliveryMethod),
    default="SMTP",
    description="How scanned mail is submitted to the relay.",
)
MSMAIL_SOCKET_TYPE: Final = Option(
    "MSMail Socket Type",
    one_of(SocketType),
    default="inet",
    description="The kind of socket that QMQP is spoken over.",
)
MSMAIL_SOCKET_DIR: Final = Option(
    "MSMail Socket Dir",
    PATH,
    default="/var/spool/postfix/public/qmqp",
    description="The path of the QMQP unix socket (of the socket itself, in spite of the name).",
)
MSMAIL_RELAY_ADDRESS: Final = Option(
    "MSMail Relay Address",
    WORDS,
    default="127.0.0.1",
    description="The addresses of the relay, tried in turn. Each may carry its own port: 10.0.0.1:628, "
    "[2001:db8::1]:628.",
)
MSMAIL_RELAY_PORT: Final = Option(
    "MSMail Relay Port",
    whole_number(1, 65_535),
    default="25",
    description="The TCP port of the relay: 25 for SMTP, 628 for QMQP.",
)
SMTP_RELAY_ADDRESS: Final = Option(
    "SMTP Relay Address",
    WORDS,
    default="",
    origin=Origin.MAILMILL,
    description="Where mail goes over SMTP that QMQP cannot carry (DSN arguments, SMTPUTF8, REQUIRETLS): "
    "addresses with a port each, 25 when there is none. Empty: it goes over QMQP without these, and the log "
    "says so.",
)
DELIVERY_CONCURRENCY: Final = Option(
    "Delivery Concurrency",
    whole_number(1, 1000),
    default="20",
    unit="connections",
    origin=Origin.MAILMILL,
    description="How many messages a deliver process submits to one relay address at the same time.",
)
DELIVERY_TIMEOUT: Final = Option(
    "Delivery Timeout",
    DURATION,
    default="60",
    unit="seconds",
    origin=Origin.MAILMILL,
    description="How long a submission may wait for the relay at each step (Postfix's own qmqpd_timeout is "
    "300 s).",
)
MINIMAL_BACKOFF_TIME: Final = Option(
    "Minimal Backoff Time",
    DURATION,
    default="5",
    unit="seconds",
    origin=Origin.MAILMILL,
    description="The shortest time between two attempts (Postfix: minimal_backoff_time, 300 s; the next hop "
    "here is one's own relay).",
)
MAXIMAL_BACKOFF_TIME: Final = Option(
    "Maximal Backoff Time",
    DURATION,
    default="300",
    unit="seconds",
    origin=Origin.MAILMILL,
    description="The longest time between two attempts (Postfix: maximal_backoff_time, 4000 s).",
)
MAXIMUM_QUEUE_LIFETIME: Final = Option(
    "Maximum Queue Lifetime",
    DURATION,
    default="5d",
    unit="seconds",
    origin=Origin.MAILMILL,
    description="How long delivery is tried before the message is returned to its sender (Postfix: "
    "maximal_queue_lifetime, 5 d).",
)
DELAY_WARNING_TIME: Final = Option(
    "Delay Warning Time",
    DURATION,
    default="0",
    unit="seconds",
    origin=Origin.MAILMILL,
    description="After how long a sender is told, once for each delivery, that the mail waits and is still "
    "tried (Postfix: delay_warning_time). It is told when the relay defers a try. 0: never.",
)
DELIVERY_JOURNAL_DIR: Final = Option(
    "Delivery Journal Dir",
    PATH,
    default="/var/spool/MailScanner/journal",
    origin=Origin.MAILMILL,
    effect=Effect.START,
    description="Where deliver workers note what the relay has confirmed, so that it is not submitted again "
    "when Redis loses its data. On a disk of their own host that survives a restart; the deliver workers of "
    "one host share it.",
)
BOUNCE_FROM: Final = Option(
    "Bounce From",
    TEXT,
    default="MAILER-DAEMON",
    origin=Origin.MAILMILL,
    description="The From address of bounces; their envelope sender is always empty.",
)
