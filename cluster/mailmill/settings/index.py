"""Finding the few of many patterns that a message may fit, without trying them all.

A pattern names keys of which all mail that it fits has at least one: an address, a domain, all below a
domain, a user, a network, a name. A message's own keys are looked up, and only what they lead to is tried.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, TypeVar

from mailmill.settings.facts import MailFacts, Side

#: A name among the keys of one side; a network is (version, bits, its first bits as a number).
Key = str | tuple[int, int, int]
#: A key and the side that has it.
SidedKey = tuple[Side, Key]

#: What stands before the name of a client, and below which the name is.
_NAME: Final = " "
#: The key of all mail in which something was found.
VIRUS_KEY: Final = "!"
_BITS: Final = {4: 32, 6: 128}


def domain_key(domain: str) -> str:
    """Return the key of all addresses of a domain."""
    return f"@{domain}"


def below_key(domain: str) -> str:
    """Return the key of all addresses in domains below one."""
    return f".{domain}"


def user_key(local: str) -> str:
    """Return the key of all addresses of a user, in any domain."""
    return f"{local}@"


def name_key(name: str) -> str:
    """Return the key of all clients with a name, or one below it."""
    return _NAME + name


K = TypeVar("K")


def join_keys(several: Iterable[tuple[K, ...] | None]) -> tuple[K, ...] | None:
    """Return the keys of mail that any of several patterns matches; None when one of them has no list."""
    joined: list[K] = []
    for keys in several:
        if keys is None:
            return None
        joined += keys
    return tuple(joined)


class Index:
    """Leads from messages to numbers of patterns, in their order."""

    def __init__(self, several: Iterable[Sequence[SidedKey] | None]) -> None:
        """Index patterns, numbered from 0, by their keys; None is one that any message may fit."""
        self._tables: dict[Side, dict[Key, int | tuple[int, ...]]] = {side: {} for side in Side}
        #: Numbers of patterns without keys.
        self._always: list[int] = []
        #: IP versions and prefix lengths of the networks.
        lengths: set[tuple[int, int]] = set()
        #: Whether a key is the name of a client, which may have to be looked up.
        self._names = False
        for number, keys in enumerate(several):
            if keys is None:
                self._always.append(number)
                continue
            for side, key in dict.fromkeys(keys):
                table = self._tables[side]
                there = table.get(key)
                if there is None:
                    table[key] = number
                else:
                    table[key] = (*((there,) if isinstance(there, int) else there), number)
                if isinstance(key, tuple):
                    lengths.add(key[:2])
                elif key.startswith(_NAME):
                    self._names = True
        self._lengths = tuple(sorted(lengths))

    def candidates(self, facts: MailFacts, sides: Iterable[Side] = Side) -> Sequence[int]:
        """Return the numbers of the patterns that a message may fit on one of the sides, in their order."""
        found = set(self._always)
        for side in sides:
            table = self._tables[side]
            if table:
                for key in self._keys(facts, side):
                    number = table.get(key)
                    if isinstance(number, int):
                        found.add(number)
                    elif number is not None:
                        found.update(number)
        return sorted(found)

    def _keys(self, facts: MailFacts, side: Side) -> Iterable[Key]:
        if side is Side.VIRUS:
            return (VIRUS_KEY,) if facts.viruses else ()
        keys: list[Key] = list(facts.address_keys(side))
        if side is Side.SENDER:
            if self._names:
                keys += [_NAME + name for name in facts.client_names]
            if self._lengths and facts.client_number:
                version, number = facts.client_number
                keys += [
                    (version, bits, number >> (_BITS[version] - bits))
                    for wanted, bits in self._lengths
                    if wanted == version
                ]
        return keys
