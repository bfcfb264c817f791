"""Options of MailScanner's about the milter."""

from __future__ import annotations

from typing import Final

from mailmill.settings.known.record import NOT_APPLICABLE, SUPPORTED, Known

OPTIONS: Final = (
    Known("Milter PID File", SUPPORTED, "/var/run/MSMilter.pid"),
    Known(
        "Milter Max Children",
        SUPPORTED,
        "10",
        "These processes share the socket, and each serves many connections.",
    ),
    Known(
        "Milter Dispatcher",
        NOT_APPLICABLE,
        "postfork",
        "Every milter process serves many connections at once.",
    ),
    Known("Milter Ignore Loopback", SUPPORTED, "yes"),
    Known("Milter Scanner", SUPPORTED, "yes"),
    Known("Milter Port", SUPPORTED, "33333"),
    Known("Milter Bind", SUPPORTED, "127.0.0.1", "May also be an IPv6 address or the path of a unix socket."),
)
