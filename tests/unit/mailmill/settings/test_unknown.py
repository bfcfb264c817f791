from __future__ import annotations

from mailmill.settings.unknown import unknown_option, unknown_variable


def test_the_nearest_name_is_offered():
    assert unknown_option("Milter Prot") == "unknown option Milter Prot (did you mean Milter Port?)"
    assert unknown_variable("MAILMILL_DEBUGG", ["MAILMILL_DEBUG"]).endswith("(did you mean MAILMILL_DEBUG?)")


def test_a_name_that_is_like_none_gets_no_offer():
    assert unknown_option("zzz") == "unknown option zzz"
    assert unknown_variable("MAILMILL_ZZZZZZZZZZZZZZZZ", ["MAILMILL_DEBUG"]).endswith("of an option")
