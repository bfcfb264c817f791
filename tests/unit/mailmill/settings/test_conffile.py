from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailmill.settings.conffile import ConfFile


@pytest.fixture
def read(tmp_path):
    def reader(text, environ=None, fixed=None, **others):
        for name, content in others.items():
            (tmp_path / name).write_text(content)
        (tmp_path / "main").write_text(text)
        conf = ConfFile(environ or {}, fixed or {})
        conf.read(tmp_path / "main")
        return conf

    return reader


def values(conf):
    return [(item.name, item.value) for item in conf.assignments]


def relative(texts, tmp_path):
    return [text.replace(f"{tmp_path}/", "") for text in texts]


def test_an_option_is_a_name_and_a_value(read):
    assert values(read('Milter Port = 25\nSpam Actions=deliver header "X: y"\nDebug =\n')) == [
        ("Milter Port", "25"),
        ("Spam Actions", 'deliver header "X: y"'),
        ("Debug", ""),
    ]


def test_a_value_may_have_equals_signs(read):
    assert values(read("a = b = c")) == [("a", "b = c")]


def test_each_assignment_knows_its_line(read, tmp_path):
    assert read("\n\na = b").assignments[0].where == f"{tmp_path}/main:3"


def test_variables_are_set_and_used(read):
    assert values(read("%Org-Name% = acme\n%both%=%org-name%.example\na = X-%org-name% %BOTH%")) == [
        ("a", "X-acme acme.example")
    ]


def test_a_variable_has_the_value_above_its_use_and_a_later_change_is_warned_about(read, tmp_path):
    conf = read("%v% = one\na = %v%\n%v% = two\nb = %v%")
    assert values(conf) == [("a", "one"), ("b", "two")]
    assert relative(conf.warnings, tmp_path) == ["main:3: %v% was used above; the values there do not change"]


def test_fixed_variables_beat_the_file(read):
    assert values(read("%v% = file\na = %v%", fixed={"v": "environment"})) == [("a", "environment")]


def test_shipped_variables_have_defaults(read):
    assert values(read("a = %rules-dir%/x.rules")) == [("a", "/etc/MailScanner/rules/x.rules")]


def test_a_repeated_option_is_kept_in_order_with_a_warning(read, tmp_path):
    conf = read("Milter Port = 1\nmilter-port = 2")
    assert values(conf) == [("Milter Port", "1"), ("milter-port", "2")]
    assert relative(conf.warnings, tmp_path) == [
        "main:2: milter-port was set before (main:1); this value counts"
    ]


def test_an_included_file_overrides_without_a_warning(read):
    conf = read("a = 1\ninclude conf_*", conf_b="a = 3", conf_a="a = 2")
    assert [value for _, value in values(conf)] == ["1", "2", "3"]
    assert conf.warnings == []


def test_variables_of_an_included_file_count_afterwards(read):
    assert values(read("INCLUDE part\na = %v%", part="%v% = x")) == [("a", "x")]


def test_an_include_may_use_variables(read, tmp_path):
    assert values(read(f"%dir% = {tmp_path}\ninclude %dir%/part", part="a = 1")) == [("a", "1")]


def test_an_include_that_finds_nothing_is_a_warning(read, tmp_path):
    conf = read("include nothing*")
    assert relative(conf.warnings, tmp_path) == ["main:1: no file fits include nothing*"]
    assert conf.problems == []


def test_a_file_is_not_read_twice_so_that_a_loop_ends(read, tmp_path):
    conf = read("include part\na = 1", part="include main\nb = 2")
    assert values(conf) == [("b", "2"), ("a", "1")]
    assert relative(conf.warnings, tmp_path) == ["part:1: main was read before and is not read again"]


def test_an_included_directory_is_a_problem(read, tmp_path):
    (tmp_path / "sub").mkdir()
    assert relative(read("include sub").problems, tmp_path) == ["sub: cannot be read: Is a directory"]


def test_all_problems_are_collected_with_their_lines(read, tmp_path):
    conf = read("nonsense\n= 5\na = %none%\nb = $NONE\nc = fine")
    assert values(conf) == [("c", "fine")]
    assert relative(conf.problems, tmp_path) == [
        "main:1: not understood: 'nonsense' (Option = value)",
        "main:2: there is no option in front of '='",
        "main:3: %none% is not defined",
        "main:4: the environment variable NONE is not set",
    ]


def test_the_environment_is_replaced_in_values(read):
    assert values(read("a = ${HERE}/x", environ={"HERE": "/there"})) == [("a", "/there/x")]


name = st.text(alphabet="abcXYZ 019-", min_size=1).map(str.strip).filter(lambda n: n.strip(" -"))
text = st.text(
    alphabet=st.characters(
        min_codepoint=32, exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp"), exclude_characters="#\\%$"
    ),
)


@given(pairs=st.lists(st.tuples(name, st.lists(text.filter(bool)).map(" ".join))))
def test_what_is_written_is_read_back(pairs, tmp_path_factory):
    pairs = [(n, v) for n, v in pairs if not n.startswith("include")]
    path = tmp_path_factory.mktemp("conf") / "main"
    path.write_text("".join(f"{n} = {v}\n" for n, v in pairs), encoding="utf-8")
    conf = ConfFile({})
    conf.read(path)
    assert values(conf) == pairs
    assert conf.problems == []


@given(
    data=st.lists(
        st.sampled_from([b"a", b"=", b"%", b"\n", b"\\", b"#", b"$", b"include ", b"*", b"[", b"\0", b"\xff"])
    )
)
def test_any_file_gives_assignments_and_problems(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("conf") / "main"
    path.write_bytes(b"".join(data))
    conf = ConfFile({"a": "x"})
    conf.read(path)
    assert all(problem.startswith(str(path.parent)) for problem in conf.problems)


@pytest.mark.parametrize(
    ("value", "moved"),
    [
        ("/etc/MailScanner", "/srv/copy"),
        ("/etc/MailScanner/rules/a.rules", "/srv/copy/rules/a.rules"),
        ("a /etc/MailScanner/b,/etc/MailScanner/c", "a /srv/copy/b,/srv/copy/c"),
        ("%etc-dir%/x", "/srv/copy/x"),
        ("/etc/MailScanner.old/x", "/etc/MailScanner.old/x"),
        ("/srv/etc/MailScanner/x", "/srv/etc/MailScanner/x"),
    ],
)
def test_paths_in_a_copy_of_mailscanners_directory_are_those_of_the_copy(value, moved):
    conf = ConfFile({}, copied_to=Path("/srv/copy"))
    conf.assign("Option", value, "f:1")
    assert conf.assignments[0].value == moved
    plain = ConfFile({})
    plain.assign("Option", value, "f:1")
    assert plain.assignments[0].value == value.replace("%etc-dir%", "/etc/MailScanner")
