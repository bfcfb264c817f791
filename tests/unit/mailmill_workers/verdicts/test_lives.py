import pytest

from mailmill.findings import Clean, Failed, Found, Scored, Unscannable
from mailmill.settings import Settings
from mailmill_workers.verdicts.lives import SLOW, spam_life, virus_life

HAM, SPAM, HIGH, VIRUS = 1800, 300, 10_800, 172_800


@pytest.mark.parametrize(
    ("answer", "life"),
    [
        (Clean(), HAM),
        (Found(("Win.Test.EICAR_HDB-1",)), VIRUS),
        (Found(("Sanesecurity.Junk.1.UNOFFICIAL",)), HAM),
        (Found(("Win.Test.EICAR_HDB-1", "Own.UNOFFICIAL")), HAM),
        (Found(("Heuristics.OLE2.ContainsMacros",)), HAM),
        (Found(()), 0),
        (Unscannable("large"), 0),
        (Failed("down"), 0),
    ],
)
def test_a_virus_lives_longest_and_what_the_version_does_not_cover_as_ham(answer, life):
    assert virus_life(Settings.of({}), answer) == life


@pytest.mark.parametrize(
    ("answer", "life"),
    [
        (Scored(-3.0), HAM),
        (Scored(5.9), HAM),
        (Scored(6.0), SPAM),
        (Scored(9.9), SPAM),
        (Scored(10.0), HIGH),
        (Scored(1000.0, momentary=True), 0),
        (Failed("down"), 0),
    ],
)
def test_the_life_of_a_score_is_that_of_what_it_means(answer, life, make_mail):
    assert spam_life(Settings.of({}), answer, make_mail(), 0.1) == life


def test_what_took_long_may_lack_something_and_is_not_kept(make_mail):
    assert spam_life(Settings.of({}), Scored(0.0), make_mail(), SLOW + 0.1) == 0


def test_recipients_who_see_it_differently_get_the_shortest_life(make_mail, tmp_path):
    rules = tmp_path / "scores.rules"
    rules.write_text("To: strict@example.com 3\nFromOrTo: default 6\n")
    settings = Settings.of({"Required SpamAssassin Score": str(rules)})
    mail = make_mail(recipients=("strict@example.com", "bob@example.com"))
    assert spam_life(settings, Scored(4.0), mail, 0.1) == SPAM
    assert spam_life(settings, Scored(4.0), make_mail(), 0.1) == HAM


def test_a_time_of_zero_keeps_nothing(make_mail):
    settings = Settings.of({"SpamAssassin Cache Timings": "0,0,3h,0"})
    assert virus_life(settings, Clean()) == virus_life(settings, Found(("Eicar",))) == 0
    assert spam_life(settings, Scored(0.0), make_mail(), 0.1) == 0
    assert spam_life(settings, Scored(50.0), make_mail(), 0.1) == HIGH
