import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailmill.reports.template import Values, render, split_headers, unknown_variables

VALUES = Values(
    {"from": "a@example.org", "subject": "50% of $from %org-name%", "id": ""}, {"org-name": "acme"}
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("From $from.", "From a@example.org."),
        ("${from}s", "a@example.orgs"),
        ("$id$from", "a@example.org"),
        ("%org-name% %Org-Name%", "acme acme"),
        (r"costs \$from", "costs $from"),
        (r"a\@b \\ c\nd", "a@b \\ c\nd"),
        ("$fromage ${fro $5 $ % $$from", "$fromage ${fro $5 $ % $a@example.org"),
        ("@{[ 6 * 7 ]} `id` $(id) ${\\(1)}", "@{[ 6 * 7 ]} `id` $(id) ${\\(1)}"),
        ("10%,20% %nobody%", "10%,20% %nobody%"),
        ("$From", "$From"),
    ],
)
def test_variables_are_replaced_and_nothing_else(text, expected):
    assert render(text, VALUES) == expected


def test_what_is_put_in_is_not_looked_into_again():
    assert render("$subject", VALUES) == "50% of $from %org-name%"


def test_unknown_variables_are_found_with_their_lines():
    text = "$from\n$hostanme and ${fitxer}\n\n10%,20% of %nobody%, \\$not\n"
    assert list(unknown_variables(text, VALUES)) == [(2, "$hostanme"), (2, "${fitxer}"), (4, "%nobody%")]


@given(st.text())
def test_any_text_without_known_variables_stays_but_for_backslashes(text):
    nothing = Values({}, {})
    if "\\" not in text:
        assert render(text, nothing) == text
    list(unknown_variables(text, nothing))
    split_headers(text)


@given(st.lists(st.sampled_from(["$from", "${from}", "text ", "\n", "$", "%org-name%"])))
def test_a_template_is_the_sum_of_its_pieces(pieces):
    separated = "\0".join(pieces)
    assert render(separated, VALUES) == "\0".join(render(piece, VALUES) for piece in pieces)


def test_headers_stand_above_the_first_empty_line():
    text = (
        'From: "$postmastername" <$localpostmaster>\n'
        "Subject: a\n\tb\nX-%org-name%-MailScanner: generated\n\nBody: x\n"
    )
    assert split_headers(text) == (
        [
            ("From", '"$postmastername" <$localpostmaster>'),
            ("Subject", "a b"),
            ("X-%org-name%-MailScanner", "generated"),
        ],
        "Body: x\n",
    )


def test_a_blank_line_ends_the_headers_too():
    assert split_headers("Subject: a\n  \nBody\n\nmore\n") == ([("Subject", "a")], "Body\n\nmore\n")


@pytest.mark.parametrize(
    "text", ["", "\nText\n", "Dear $from,\nhello: you\n\nmore", "Note: this\nis text\n\nmore"]
)
def test_a_text_without_headers_is_all_body(text):
    assert split_headers(text) == ([], text)
