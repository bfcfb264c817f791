"""What is done with a message, as Spam Actions and its relatives write it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from mailmill.settings.facts import MailFacts
from mailmill.settings.kinds import Kind


class Actions(Struct, frozen=True):
    """A list of actions for one recipient."""

    deliver: bool = False
    delete: bool = False
    store: bool = False
    #: The part of the quarantine to store in, `spam` or `nonspam`; empty: the one of what the message is.
    store_in: str = ""
    #: Who else gets it, or who gets it when there is no deliver; with MailScanner's keywords.
    forward: tuple[str, ...] = ()
    #: Tell the recipient.
    notify: bool = False
    #: Tell the sender, where Enable Spam Bounce allows it.
    bounce: bool = False
    #: Deliver it as an attachment of a warning.
    attachment: bool = False
    #: Headers to add: names and values.
    headers: tuple[tuple[str, str], ...] = ()


class Step(Struct, frozen=True):
    """One word of a list of actions, with what belongs to it."""

    word: str
    #: The address of forward, the part of the quarantine of store.
    value: str = ""
    #: The name and the value of header.
    header: tuple[str, str] = ("", "")
    #: `not-`: take the action out of the list.
    remove: bool = False


_TOKEN: Final = re.compile(r"(?:\s*,)?\s*(?:\"(?P<quoted>[^\"]*)\"|(?P<word>[^\s,\"]+))\s*,?\s*")
_HEADER: Final = re.compile(r"([!-9;-~]+):\s*([^\r\n]*)\Z")
_ADDRESS: Final = re.compile(r"[^\s@<>(),;:\\\"]+@[^\s@<>(),;:\\\"]+")
_FLAGS: Final = frozenset({"deliver", "delete", "notify", "bounce", "attachment"})
_PARTS: Final = frozenset({"spam", "nonspam"})
_LATER: Final = re.compile(r"striphtml|custom(?:\(.*)?|store-.*")
#: MailScanner's keywords in addresses: what they stand for.
_KEYWORD: Final = re.compile(r"_(FROM|TO)(USER|DOMAIN)_")


def parse_actions(text: str) -> Actions:
    """Return the actions in a text such as `deliver header "X-Spam-Status: Yes"`.

    Raises:
        ValueError: a word is no action, something that belongs to it is missing, or nothing says where the
            mail goes.
    """
    actions = carry_out(Actions(), parse_steps(text))
    if not (actions.deliver or actions.delete or actions.store or actions.forward):
        if not (actions.bounce or actions.notify):
            raise ValueError("must say deliver, delete, store or forward")
        return replace(actions, delete=True)  # as in MailScanner: others hear of it, nobody gets it
    return actions


def parse_steps(text: str, *, removable: bool = False) -> tuple[Step, ...]:
    """Return the words of a list of actions; those that are `removable` may begin with `not-`.

    Raises:
        ValueError: a word is no action or something that belongs to it is missing.
    """
    words = _tokens(text)
    steps: list[Step] = []
    while words:
        quoted, word = words.pop(0)
        name = "" if quoted else word.lower()
        remove = removable and name.startswith("not-")
        name = name.removeprefix("not-") if remove else name
        if name in _FLAGS:
            steps.append(Step(name, remove=remove))
        elif name == "store" or name.removeprefix("store-") in _PARTS:
            steps.append(Step("store", name.removeprefix("store").removeprefix("-"), remove=remove))
        elif name == "header":
            steps.append(Step("header", header=_header(words), remove=remove))
        elif name == "forward":
            steps += [Step("forward", address, remove=remove) for address in _addresses(words)]
        elif _LATER.fullmatch(name):
            raise ValueError(f"has the action {word}, which is not supported yet")
        else:
            raise ValueError(
                f"has {word!r}, which is no action "
                "(deliver, delete, store, forward, notify, bounce, attachment, header)"
            )
    return tuple(steps)


def carry_out(actions: Actions, steps: Iterable[Step], *, delete_wins: bool = False) -> Actions:
    """Return a list of actions with these steps added or removed.

    Args:
        actions: the list so far.
        steps: in their order.
        delete_wins: whether `delete` takes `deliver` out, as in SpamAssassin Rule Actions.
    """
    for step in steps:
        match step.word:
            case "store":
                actions = replace(actions, store=not step.remove, store_in="" if step.remove else step.value)
            case "header":
                headers = tuple(one for one in actions.headers if one != step.header)
                actions = replace(actions, headers=headers if step.remove else (*headers, step.header))
            case "forward":
                others = tuple(one for one in actions.forward if one != step.value)
                actions = replace(actions, forward=others if step.remove else (*others, step.value))
            case flag:
                actions = replace(actions, **{flag: not step.remove})
                if flag == "delete" and delete_wins and not step.remove:
                    actions = replace(actions, deliver=False)
    return actions


def forward_address(address: str, facts: MailFacts) -> str:
    """Return an address of forward for a recipient, its keywords replaced; empty when that is no address."""

    def part(match: re.Match[str]) -> str:
        side = facts.sender_address if match[1] == "FROM" else facts.recipient_address
        return side.local if match[2] == "USER" else side.domain

    done = _KEYWORD.sub(part, address)
    return done if _ADDRESS.fullmatch(done) and done.isprintable() else ""


def _addresses(words: list[tuple[bool, str]]) -> list[str]:
    """Take the addresses that follow; there is one at least."""
    found: list[str] = []
    while words and not words[0][0] and "@" in words[0][1]:
        address = words.pop(0)[1]
        if not _ADDRESS.fullmatch(address):
            raise ValueError(f"has forward with {address!r}, which is no mail address")
        found.append(address)
    if not found:
        raise ValueError("has forward, which must be followed by an address")
    return found


def _header(words: list[tuple[bool, str]]) -> tuple[str, str]:
    field = _HEADER.match(words.pop(0)[1]) if words and words[0][0] else None
    if field is None:
        raise ValueError('has header, which must be followed by "Name: value"')
    return field[1], field[2].strip()


def _tokens(text: str) -> list[tuple[bool, str]]:
    tokens = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ValueError(f"cannot be read from {text[at:]!r} on (a quote that does not end?)")
        quoted = match["quoted"] is not None
        tokens.append((quoted, match["quoted"] if quoted else match["word"]))
        at = match.end()
    return tokens


def _advice(text: str) -> str:
    actions = parse_actions(text)
    if actions.bounce:
        return "has bounce: senders of spam are forged; see Enable Spam Bounce, which must allow it"
    return ""


ACTIONS: Final = Kind(
    'actions: deliver, delete, store, forward ADDRESS, notify, bounce, attachment, header "Name: value"',
    parse_actions,
    _advice,
)
