"""`mailmill queue show`: one message of this edge."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

import click

from mailmill.cli.context import Cli, pass_cli
from mailmill.cli.output import age, echo_table, local_time, printable
from mailmill.cli.queues import Queue, queues, spool_errors
from mailmill.envelope import Envelope
from mailmill.errors import DamagedSpoolFileError, SpoolError
from mailmill.spool import State
from mailmill.spoolfile import SpoolHeader, unpack
from mailmill.spoolview import envelope_of, matching

EXIT_UNKNOWN: Final = 1

#: Bytes of the message's headers that are shown (Postfix: header_size_limit, 102400).
_HEADERS_SHOWN: Final = 102_400


@click.command()
@click.argument("wanted", metavar="ID")
@pass_cli
@click.pass_context
def show(ctx: click.Context, cli: Cli, wanted: str) -> None:
    """Show a message: where its file is, its envelope and its headers.

    ID is a Mailmill id, the id of a delivery (in milterout) or a queue id. The whole file is checked.

    Exit status: 0 a message was found, 1 none was.
    """
    shown = 0
    with spool_errors():
        for queue in queues(cli.settings):
            for name, state in matching(queue.spool, wanted):
                if shown:
                    click.echo()
                shown += _show(queue, name, state)
    if not shown:
        click.echo(
            f"{printable(wanted)}: not in the queues of this edge (mailmill trace may know it).", err=True
        )
        ctx.exit(EXIT_UNKNOWN)


def _show(queue: Queue, name: str, state: State) -> bool:
    """Show one file and return True; False when it has gone meanwhile."""
    spool = queue.spool
    try:
        data = spool.read_bytes(name, state)
        changed = spool.entry(name, state).changed
    except (SpoolError, OSError) as exc:
        if isinstance(exc, FileNotFoundError) or isinstance(exc.__cause__, FileNotFoundError):
            return False
        raise
    rows = [
        ("Id", name),
        ("Queue", f"{queue.name}, {state}"),
        ("File", spool.place(name, state)),
        ("Size", f"{len(data)} bytes"),
    ]
    if state is State.DEFERRED:
        rows.append(("Next attempt", local_time(changed)))
    content = b""
    try:
        file = unpack(data)
        header: SpoolHeader | None = file.header
        content = file.content
    except DamagedSpoolFileError as exc:
        rows.append(("Being written" if state is State.INCOMING else "Damaged", str(exc)))
        header = _header_at_least(queue, name, state)
    if header:
        rows += _facts(header)
    echo_table([(f"{label}:", printable(value)) for label, value in rows])
    if content:
        click.echo()
        for line in _header_lines(content):
            click.echo(printable(line.expandtabs()))
    return True


def _header_at_least(queue: Queue, name: str, state: State) -> SpoolHeader | None:
    try:
        return queue.spool.read_header(name, state)
    except SpoolError:
        return None


def _facts(header: SpoolHeader) -> Iterator[tuple[str, str]]:
    """Yield what a header says, as labels and values."""
    yield "Arrival", f"{local_time(header.arrival)} ({age(max(time.time() - header.arrival, 0))} ago)"
    yield "Edge", header.edge
    yield "Queue id", header.queue_id
    if header.message_id:
        yield "Message-ID", header.message_id
    yield from _session(header.envelope)
    source = header.delivery or header.envelope
    sender, _ = envelope_of(header)
    yield "Sender", " ".join((f"<{sender}>", *source.sender_args))
    for recipient in source.recipients:
        yield "Recipient", " ".join((f"<{recipient.address}>", *recipient.args))
    if header.delivery and header.delivery.verdict:
        yield "Verdict", header.delivery.verdict


def _session(envelope: Envelope) -> Iterator[tuple[str, str]]:
    client = envelope.client
    yield "Client", f"{client.name}[{client.address}]:{client.port}, HELO {client.helo or '(none)'}"
    if envelope.tls:
        yield "TLS", f"{envelope.tls.protocol} {envelope.tls.cipher} ({envelope.tls.bits} bits)"
    if envelope.sasl:
        yield "SASL", f"{envelope.sasl.method} {envelope.sasl.login}"


def _header_lines(content: bytes) -> list[str]:
    """Return the lines of a message's headers."""
    head = b"\n" if content.startswith(b"\n") else content.partition(b"\n\n")[0]
    text = head[:_HEADERS_SHOWN].decode("utf-8", "backslashreplace")
    return text.rstrip("\n").split("\n")
