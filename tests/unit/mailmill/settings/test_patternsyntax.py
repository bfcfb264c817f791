from __future__ import annotations

import contextlib
import ipaddress
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mailmill.hostnames import HostName, Reverse
from mailmill.settings.facts import MailFacts, Side
from mailmill.settings.index import Index
from mailmill.settings.patternsyntax import parse_pattern, parse_virus
from mailmill.settings.ruleset import Condition, Direction, Rule, RuleSet


def sender_fits(pattern, sender):
    return parse_pattern(pattern).matches(MailFacts(sender, "to@example.org", "192.0.2.1"), Side.SENDER)


def client_fits(pattern, address, name=""):
    return parse_pattern(pattern).matches(MailFacts("a@b", "c@d", address, name), Side.SENDER)


@pytest.mark.parametrize(
    ("pattern", "fits", "fits_not"),
    [
        ("user@example.com", ["user@example.com", "USER@Example.Com."], ["auser@example.com", "user@x", ""]),
        ("User@Example.com.", ["user@example.com"], ["user@example.org"]),
        ("*@example.com", ["a@example.com", "a@b@example.com"], ["a@sub.example.com", "a@xexample.com"]),
        ("example.com", ["a@example.com"], ["example.com", "a@sub.example.com", "example.com@x.org"]),
        ("@example.com", ["a@example.com"], ["a@sub.example.com"]),
        ("*@*.example.com", ["a@b.example.com", "a@x.y.example.com"], ["a@example.com", "a@xexample.com"]),
        ("*.example.com", ["a@sub.example.com"], ["a@example.com"]),
        ("user@", ["user@a.org", "user@b.org", "user"], ["users@a.org", "user@x@a.org"]),
        ("user@*", ["user@a.org"], ["x.user@a.org"]),
        ("jo*@example.com", ["jo@example.com", "john@example.com"], ["ajo@example.com"]),
        ("a**b@x", ["ab@x", "acb@x"], ["a@x"]),
        ("a.b+c@x.y", ["a.b+c@x.y"], ["aab+c@x.y", "a.bbc@x.y", "a.b+c@xzy"]),
        ("<>", [""], ["a@b", "postmaster"]),
        ("/^$/", [""], ["a@b"]),
        ("/^(a|b)@example/", ["a@example.com", "B@EXAMPLE.org"], ["c@example.com", "xa@example.com"]),
        ("/^[0-9]+@/", ["123@x"], ["a1@x"]),
        ("dead.beef", ["a@dead.beef"], ["a@x"]),
        ("xn--mller-kva.example", ["a@XN--MLLER-KVA.example"], ["a@example"]),
    ],
)  # fmt: skip
def test_address_patterns(pattern, fits, fits_not):
    assert [sender for sender in fits if not sender_fits(pattern, sender)] == []
    assert [sender for sender in fits_not if sender_fits(pattern, sender)] == []


@pytest.mark.parametrize("pattern", ["default", "DEFAULT", "*", "*@*", "*@", "@*"])
def test_patterns_for_all_mail(pattern):
    assert sender_fits(pattern, "")
    assert sender_fits(pattern, "a@b")


@pytest.mark.parametrize(
    ("pattern", "fits", "fits_not"),
    [
        ("10.1.2.3", ["10.1.2.3", "::ffff:10.1.2.3"], ["10.1.2.30", "110.1.2.3", ""]),
        ("10.1", ["10.1.0.0", "10.1.255.255"], ["10.10.0.1", "10.100.0.1", "110.1.0.1"]),
        ("10.1.", ["10.1.2.3"], ["10.10.0.1"]),
        ("10", ["10.255.0.1"], ["100.1.1.1", "1.0.0.0"]),
        ("10.1.2.0/24", ["10.1.2.0", "10.1.2.255"], ["10.1.3.0"]),
        ("10.1.2.7/24", ["10.1.2.200"], ["10.1.3.0"]),
        ("10.1/16", ["10.1.200.1"], ["10.2.0.0"]),
        ("10.1.2.0/255.255.255.0", ["10.1.2.99"], ["10.1.3.1"]),
        ("0.0.0.0/0", ["1.2.3.4", "255.255.255.255"], ["::1"]),
        ("10.1.2.3-10.1.2.9", ["10.1.2.3", "10.1.2.9"], ["10.1.2.2", "10.1.2.10"]),
        ("2001:db8::1", ["2001:db8::1", "2001:DB8:0::1"], ["2001:db8::10", "10.0.0.1"]),
        ("2001:db8::/32", ["2001:db8:ffff::"], ["2001:db9::"]),
        ("2001:db8:", ["2001:db8:1::1"], ["2001:db80::1"]),
        ("2001:db8::1-2001:db8::5", ["2001:db8::3"], ["2001:db8::6"]),
        ("::ffff:10.0.0.0/104", ["10.9.9.9", "::ffff:10.0.0.1"], ["11.0.0.1"]),
        ("::/0", ["::1"], ["10.0.0.1"]),
        ("/^10\\.(1|2)\\./", ["10.1.9.9", "10.2.0.0"], ["10.3.0.0", "110.1.0.0"]),
    ],
)
def test_client_address_patterns(pattern, fits, fits_not):
    assert [address for address in fits if not client_fits(pattern, address)] == []
    assert [address for address in fits_not if client_fits(pattern, address)] == []


@pytest.mark.parametrize(
    ("pattern", "fits", "fits_not"),
    [
        ("host:example.com", ["example.com", "mx.EXAMPLE.com."], ["notexample.com", "unknown", ""]),
        ("host:.example.com", ["mx.example.com"], ["notexample.com"]),
        ("host:*.example.com", ["mx.example.com", "a.b.example.com"], ["example.com"]),
        ("host-nocheck:/^mx[0-9]/", ["mx1.example.com"], ["amx1.example.com"]),
        ("host:", ["", "unknown"], ["mx.example.com"]),
    ],
)
def test_client_name_patterns(pattern, fits, fits_not):
    assert [name for name in fits if not client_fits(pattern, "192.0.2.1", name)] == []
    assert [name for name in fits_not if client_fits(pattern, "192.0.2.1", name)] == []


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("host:evil.example", {Reverse.VERIFIED}),
        ("host-nocheck:evil.example", {Reverse.VERIFIED, Reverse.SPOOFED}),
        ("host:/evil/", {Reverse.VERIFIED}),
        ("host-nocheck:/evil/", {Reverse.VERIFIED, Reverse.SPOOFED}),
        ("host:_SPOOFED_", {Reverse.SPOOFED}),
        ("host:_spoofed_", {Reverse.SPOOFED}),
        ("_SPOOFED_", {Reverse.SPOOFED}),
        ("host:", {Reverse.NONE}),
    ],
)
def test_a_client_that_postfix_knows_no_name_of_is_looked_up(pattern, fits):
    compiled = parse_pattern(pattern)
    for reverse in Reverse:
        known = reverse in {Reverse.VERIFIED, Reverse.SPOOFED}
        name = HostName(reverse, "MX.Evil.Example." if known else "")
        facts = MailFacts("a@b", "c@d", "192.0.2.1", "unknown", look_up=lambda _, name=name: name)
        assert compiled.matches(facts, Side.SENDER) == (reverse in fits)


def test_a_name_that_postfix_verified_is_not_looked_up_and_no_rule_without_names_asks():
    def fail(_):
        raise AssertionError

    known = MailFacts("a@b", "c@d", "192.0.2.1", "mx.example", look_up=fail)
    assert parse_pattern("host:mx.example").matches(known, Side.SENDER)
    rules = RuleSet([Rule((Condition(Direction.FROM, parse_pattern("10.1")),), 1)], 0)
    assert rules.first(MailFacts("a@b", "c@d", "192.0.2.1", "", look_up=fail)) == 0
    assert not rules.asks_names
    assert parse_pattern("host:").asks_names


@pytest.mark.parametrize(
    ("pattern", "fits", "fits_not"),
    [
        ("Eicar", ["Win.Test.EICAR_HDB-1", "eicar"], ["Worm"]),
        ("win*worm", ["Win.32.Worm-7"], ["Worm.Win"]),
        ("/^win\\./", ["Win.Worm"], ["a.Win.Worm"]),
        ("default", ["anything"], []),
    ],
)
def test_virus_patterns(pattern, fits, fits_not):
    def matches(virus):
        return parse_virus(pattern).matches(MailFacts("", "", "", "", ("Other", virus)), Side.VIRUS)

    assert [name for name in fits if not matches(name)] == []
    assert [name for name in fits_not if matches(name)] == []


@pytest.mark.parametrize("pattern", ["10.1.2.3", "10.1", "/^10/", "host:x", "host:", "host:_SPOOFED_"])
def test_what_only_the_client_has_never_fits_the_recipient(pattern):
    compiled = parse_pattern(pattern)
    assert compiled.client_only
    assert not compiled.matches(MailFacts("", "", "10.1.2.3", "x"), Side.RECIPIENT)
    assert compiled.keys(Side.RECIPIENT) == ()


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("/", "no regular expression"),
        ("//", "no regular expression"),
        ("/(/", "is wrong"),
        ("/(?=(a+)+)b/", "could take too long"),
        ("host:/x", "no regular expression"),
        ("300.1", "no IP address"),
        ("10.1.2.3.4", "no IP address"),
        ("10..1", "no IP address"),
        ("10.1.2.0/33", "no IP address"),
        ("10.1.2.0/255.0.255.0", "no IP address"),
        ("10.1.2.9-10.1.2.3", "end of the range"),
        ("10.1.2.3-2001:db8::1", "end of the range"),
        ("10.1-10.2", "no IP address"),
        ("2001:db8::g", "no IP address"),
        ("fe80::1%eth0/64", "no IP address"),
        ("a@x,b@y", "has ',' in it"),
        ("<a@x>", "has '<' in it"),
        ("^a@x$", "has '^' in it"),
        (".example.com", "write *.example.com"),
        ("a@.example.com", "write *.example.com"),
    ],
)
def test_what_is_no_pattern_says_why(pattern, reason):
    with pytest.raises(ValueError, match=re.escape(reason)):
        parse_pattern(pattern)


@given(st.ip_addresses(), st.data())
def test_a_network_holds_exactly_its_addresses(address, data):
    bits = data.draw(st.integers(0, address.max_prefixlen))
    other = data.draw(st.ip_addresses(v=address.version))
    network = ipaddress.ip_network(f"{address}/{bits}", strict=False)
    # An IPv4-mapped address is an IPv4 address to us: another test.
    assume(not getattr(other, "ipv4_mapped", None) and not getattr(address, "ipv4_mapped", None))
    assert client_fits(f"{address}/{bits}", str(address))
    assert client_fits(str(network), str(other)) == (other in network)


words = st.text(alphabet="ab*@./:-<>()[]^$\\019%,+", min_size=1, max_size=12)
subjects = st.builds(
    MailFacts,
    st.sampled_from(["", "a", "a@b", "a@b.a", "0@1.9", "a.b@a.b.a"]),
    st.sampled_from(["a@b", "b@a.a"]),
    st.sampled_from(["", "10.0.0.1", "1.0.0.0", "::1", "a::b"]),
    st.sampled_from(["", "a", "b.a"]),
)


@given(words, subjects, st.sampled_from([Side.SENDER, Side.RECIPIENT]))
def test_any_word_is_a_pattern_or_a_value_error_and_its_keys_find_what_it_fits(word, facts, side):
    with contextlib.suppress(ValueError):
        pattern = parse_pattern(word)
        keys = pattern.keys(side)
        if pattern.matches(facts, side) and keys is not None:
            index = Index([[(side, key) for key in keys]])
            assert index.candidates(facts, (side,)) == [0]


@pytest.mark.parametrize("pattern", ["10.1.2.0 - 10.1.2.9", "10.1.2.0\t/ 28", "2001:db8:: / 32"])
def test_a_network_or_range_may_have_blanks_in_it(pattern):
    assert client_fits(pattern, "2001:db8::1" if ":" in pattern else "10.1.2.3")
    assert not client_fits(pattern, "10.1.3.3")


def test_a_second_word_is_no_part_of_an_address():
    with pytest.raises(ValueError, match="no address pattern: it has ' ' in it"):
        parse_pattern("boss@example.com yes")
