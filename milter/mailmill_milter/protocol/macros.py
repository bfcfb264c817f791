"""The MTA's macros: what each stage told, read when somebody asks."""

from __future__ import annotations

from typing import Final

from mailmill_milter.protocol.packets import ProtocolError, text
from mailmill_milter.protocol.words import Command

#: The stages that have macros, in their order.
_STAGES: Final[dict[int, int]] = {
    stage: place
    for place, stage in enumerate(
        (
            Command.CONNECT,
            Command.HELO,
            Command.MAIL,
            Command.RCPT,
            Command.DATA,
            Command.HEADER,
            Command.END_OF_HEADERS,
            Command.BODY,
            Command.END_OF_MESSAGE,
            Command.UNKNOWN,
        )
    )
}


class MacroTable:
    """Macros by stage. A stage replaces what it told before; what was told last counts first."""

    def __init__(self) -> None:
        #: Stage -> names and values, separated by NUL; the stage that told last is last.
        self._told: dict[int, bytes] = {}
        #: What was told last, for as long as nothing was forgotten.
        self._last: bytes | None = None

    def tell(self, data: bytes) -> None:
        """Take the macros of a stage: its command, then names and values.

        Raises:
            ProtocolError: there is no such stage.
        """
        if data == self._last:  # as with each header of a message but the first
            return
        if data[:1] == b"" or data[0] not in _STAGES:
            raise ProtocolError("macros of no stage")
        self._told.pop(data[0], None)
        if len(data) > 1:
            self._told[data[0]] = data[1:]
        self._last = data

    def __call__(self, name: str) -> str | None:
        """Return the value of a macro (`i` and `{i}` are the same), or None."""
        wanted = _bare(name.encode())
        for told in reversed(self._told.values()):
            fields = told.split(b"\0")
            for each, value in zip(fields[::2], fields[1::2], strict=False):
                if _bare(each) == wanted:
                    return text(value)
        return None

    def begin(self, stage: Command) -> None:
        """Forget what later stages told: it was of another message, or another client."""
        place = _STAGES[stage]
        self._last = None
        self._told = {each: told for each, told in self._told.items() if _STAGES[each] <= place}

    def end_message(self) -> None:
        """Forget what was told of a message."""
        self.begin(Command.HELO)

    def clear(self) -> None:
        """Forget all: another client follows."""
        self._last = None
        self._told.clear()


def _bare(name: bytes) -> bytes:
    return name[1:-1] if name[:1] == b"{" and name[-1:] == b"}" else name
