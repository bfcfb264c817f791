"""The milter's processes: the parent binds and gives root up, the children serve."""

from __future__ import annotations

import gc
import logging
import socket
import time
from dataclasses import replace

from mailmill.configuration import process
from mailmill.errors import ConfigError
from mailmill.intake import IntakeWriter
from mailmill.naming import edge_name
from mailmill.process import drop_privileges, prepare_queue_directories, write_pid_file
from mailmill.settings import Settings
from mailmill.settings.options.choices import MilterLibrary
from mailmill.settings.options.milter import (
    MILTER_IGNORE_LOOPBACK,
    MILTER_LIBRARY,
    MILTER_MAX_CHILDREN,
    MILTER_PID_FILE,
    MILTER_SCANNER,
    MSMAIL_QUEUE_TYPE,
)
from mailmill.settings.options.system import INCOMING_QUEUE_DIR, OUTGOING_QUEUE_DIR
from mailmill.settings.sources import Place
from mailmill.spool import Spool
from mailmill_milter.blocklist import Blocklist
from mailmill_milter.builtin.front import BuiltinFront
from mailmill_milter.front import GRACE, Front
from mailmill_milter.gate import Gate, Limits
from mailmill_milter.inhand import InHand
from mailmill_milter.listener import Listener
from mailmill_milter.session import Edge
from mailmill_milter.supervisor import Supervisor

log = logging.getLogger(__name__)


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        ConfigError: something that is needed is missing or not permitted, for instance the address to listen
            on; nothing was started.
    """
    prepare_queue_directories(settings)
    edge = edge_of(settings)
    in_force = EdgeInForce(edge)
    listener = Listener(settings)
    front = _front(settings, in_force, listener.port)
    listener.open(front)
    try:
        _write_pid_file(settings)
        drop_privileges(settings)
        children = settings[MILTER_MAX_CHILDREN]
        log.info("edge %s: milter on %s with %d children", edge.name, listener.address, children)
        # What is loaded by now stays as it is: keep the collector from touching, and so copying, its pages.
        gc.freeze()
        Supervisor(children, lambda stop: _serve(front, in_force, stop), patience=GRACE + 5).run()
    finally:
        listener.close()
    log.info("edge %s: milter stopped", edge.name)


def edge_of(settings: Settings) -> Edge:
    """Return what the sessions of one process share."""
    spool = Spool(settings[INCOMING_QUEUE_DIR])
    outgoing = Spool(settings[OUTGOING_QUEUE_DIR])
    return Edge(
        name=edge_name(settings),
        hostname=socket.gethostname(),
        spool=spool,
        intake=IntakeWriter(spool.root),
        queue_type=settings[MSMAIL_QUEUE_TYPE],
        gate=Gate(spool, outgoing, Limits.of(settings)),
        blocklist=Blocklist(settings) if settings[MILTER_SCANNER] else None,
        ignore_loopback=settings[MILTER_IGNORE_LOOPBACK],
        clock=time.time,
        in_hand=InHand(),
        configuration=settings.version,
    )


class EdgeInForce:
    """What the sessions of one process share now: another one when the configuration has changed."""

    def __init__(self, edge: Edge) -> None:
        """Begin with `edge`."""
        self.edge = edge

    def follow(self, settings: Settings) -> None:
        """Go by other settings. A message that has begun goes by those it began with."""
        self.edge.gate.follow(Limits.of(settings))
        self.edge = replace(
            self.edge,
            queue_type=settings[MSMAIL_QUEUE_TYPE],
            blocklist=Blocklist(settings) if settings[MILTER_SCANNER] else None,
            ignore_loopback=settings[MILTER_IGNORE_LOOPBACK],
            configuration=settings.version,
        )


def _front(settings: Settings, in_force: EdgeInForce, port: int) -> Front:
    if settings[MILTER_LIBRARY] is MilterLibrary.BUILTIN:
        return BuiltinFront(lambda: in_force.edge)
    try:  # Sendmail's library is needed only where it is asked for
        from mailmill_milter.libmilter.front import LibmilterFront  # noqa: PLC0415
    except ImportError as exc:
        raise ConfigError([f"{settings.place(MILTER_LIBRARY)}: libmilter needs pymilter: {exc}"]) from exc
    return LibmilterFront(lambda: in_force.edge, port)


def _serve(front: Front, in_force: EdgeInForce, stop: int) -> None:
    """Serve in a child until the descriptor `stop` comes to its end."""
    process.live().watch(in_force.follow)
    front.serve(stop)


def _write_pid_file(settings: Settings) -> None:
    path = settings[MILTER_PID_FILE]
    try:
        write_pid_file(path)
    except OSError as exc:
        problem = f"{settings.place(MILTER_PID_FILE)}: cannot write {path}: {exc.strerror or exc}"
        if settings.source(MILTER_PID_FILE).place is not Place.DEFAULT:
            raise ConfigError([problem]) from exc
        log.warning("%s", problem)
