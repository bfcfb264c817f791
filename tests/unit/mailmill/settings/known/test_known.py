from __future__ import annotations

from mailmill.settings.kinds import TEXT
from mailmill.settings.known import KNOWN, MODULES, Status, known_of
from mailmill.settings.option import Option, Origin, Rules
from mailmill.settings.options import TABLE
from mailmill.settings.values import Settings

READ = (Status.SUPPORTED, Status.DIFFERENT)


def test_all_options_of_mailscanner_are_known_once():
    # 388 in the file that 5.5.3 ships, 11 more in its code, 6 of versions of the last ten years.
    assert sum(len(known_of(module)) for module in MODULES) == len(KNOWN) == 388 + 11 + 6


def test_an_option_says_that_it_comes_from_mailscanner_exactly_when_it_does():
    from_mailscanner = {key for key, option in TABLE.items() if option.origin is Origin.MAILSCANNER}
    assert from_mailscanner == TABLE.keys() & KNOWN.keys()


def test_what_is_read_is_supported_and_only_that():
    assert {KNOWN[key].status for key in TABLE.keys() & KNOWN.keys()} <= set(READ)
    supported = {key for key, known in KNOWN.items() if known.status is Status.SUPPORTED}
    assert supported <= TABLE.keys()


def test_both_tables_spell_a_name_in_one_way():
    assert {KNOWN[key].name.lower() for key in TABLE.keys() & KNOWN.keys()} == {
        TABLE[key].name.lower() for key in TABLE.keys() & KNOWN.keys()
    }


def test_whatever_is_not_simply_supported_has_a_note():
    assert [k.name for k in KNOWN.values() if not k.note and k.status is not Status.SUPPORTED] == []


def test_what_mailscanner_ships_is_read_without_an_error_and_needs_no_remark():
    # Settings of a test have no environment and no files of rules.
    shipped = {
        known.name: known.default
        for known in KNOWN.values()
        if "$" not in known.default and not known.default.endswith(".rules")
    }
    assert [
        warning.partition(": ")[2] for warning in Settings.of({"%org-name%": "acme", **shipped}).warnings
    ] == [
        "MTA is taken for msmail: Mailmill takes mail through its milter and reads no queue of an MTA",
        "Virus Scanners auto means clamd here",
    ]


#: What is the same for all mail, so that rules about mail say nothing of it.
FOR_ALL_MAIL = {"Outgoing Queue Dir", "Clamd Socket", "Attachment Encoding Charset"}


def test_wherever_mailscanner_allows_a_ruleset_mailmill_does_with_the_same_way_of_joining():
    other = {
        option.name
        for key, option in TABLE.items()
        if key in KNOWN and KNOWN[key].rules is not Rules.NONE and option.rules is not KNOWN[key].rules
    }
    assert other == FOR_ALL_MAIL


def test_options_for_which_all_rules_count_say_how_values_are_joined():
    unsaid = [
        o.name for o in TABLE.values() if o.rules is Rules.ALL and o.join is Option("", TEXT, "", "").join
    ]
    assert unsaid == []
