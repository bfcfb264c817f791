"""Whether a process of Mailmill does its work, asked from inside its container."""

from __future__ import annotations

import socket
import struct
from pathlib import Path
from typing import Any, Final

import redis

from mailmill.configuration import process
from mailmill.connection import connect
from mailmill.settings import Settings
from mailmill.settings.options.cluster import REDIS_URL
from mailmill.settings.options.milter import MILTER_BIND, MILTER_PORT
from mailmill_local.probes import PROBE_SECONDS, ask

#: Seconds of silence towards Redis after which a process is taken for stuck: all of them ask at least once a
#: second for new tasks, outcomes or events, and wait up to 15 s for an answer (`mailmill.connection`).
SILENCE: Final = 30
FLOWER_PORT: Final = 5555

#: A milter session that only negotiates (libmilter: mfdef.h): SMFIC_OPTNEG with protocol version 6, all
#: actions and all steps; then SMFIC_QUIT. Each packet begins with its length.
_NEGOTIATE: Final = struct.pack(">IcIII", 13, b"O", 6, 0x1FF, 0x1FFFFF)
_QUIT: Final = struct.pack(">Ic", 1, b"Q")


def healthy(name: str) -> bool:
    """Tell whether the process of a service is healthy.

    Raises:
        ValueError: there is no service of that name.
    """
    match name:
        case "milter":
            return milter_answers(process.settings())
        case "flower":
            return ask(FLOWER_PORT, b"GET /healthcheck HTTP/1.0\r\n\r\n", b"HTTP/1.1 200")
        case "queue-manager" | "worker" | "recorder":
            return talks_to_redis(connect(process.settings()[REDIS_URL]))
    raise ValueError(f"no service {name}")


def milter_answers(settings: Settings) -> bool:
    """Tell whether a child of the milter serves: a connection alone is accepted by the kernel."""
    bind = settings[MILTER_BIND]
    try:
        with _connect(bind, settings[MILTER_PORT]) as connection:
            connection.sendall(_NEGOTIATE)
            answer = connection.recv(len(_NEGOTIATE))
            connection.sendall(_QUIT)
    except OSError:
        return False
    return answer[4:5] == b"O"


def talks_to_redis(client: redis.Redis) -> bool:
    """Tell whether some other connection from this host has asked Redis for something in the last while.

    Connections that are subscribed do not count: what others publish keeps them from being idle.
    """
    try:
        own_id = client.client_id()
        clients: list[dict[str, Any]] = client.client_list()
    except redis.RedisError:
        return False
    finally:
        client.close()
    hosts = {entry["id"]: entry["addr"].rpartition(":")[0] for entry in clients}
    own_host = hosts.get(str(own_id))
    return any(
        hosts[entry["id"]] == own_host and int(entry["idle"]) < SILENCE
        for entry in clients
        if entry["id"] != str(own_id) and entry["sub"] == entry["psub"] == "0"
    )


def _connect(bind: str, port: int) -> socket.socket:
    if not bind.startswith("/"):
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(bind, bind)  # noqa: S104 - compared, not bound
        return socket.create_connection((host, port), timeout=PROBE_SECONDS)
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(PROBE_SECONDS)
        connection.connect(str(Path(bind)))
    except OSError:
        connection.close()
        raise
    return connection
