from hypothesis import given
from hypothesis import strategies as st

from mailmill.reports.strings import ENGLISH, parse


def test_words_of_a_language_and_english_for_the_rest():
    words = parse("# comment\nSpam = Werbung\nNotSpam=keine Werbung\nscore =\nCantAnalyze = x\nnonsense\n")
    assert words["spam"] == "Werbung"
    assert words["notspam"] == "keine Werbung"
    assert words["score"] == "score"
    assert words.keys() == ENGLISH.keys()


@given(st.text())
def test_any_text_gives_all_words_as_one_line_each(text):
    words = parse(text)
    assert words.keys() == ENGLISH.keys()
    assert all(word and "\n" not in word for word in words.values())
