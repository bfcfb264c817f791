from mailmill.marker import marker_of, same_data


def test_another_start_of_the_server_is_another_marker_of_the_same_data():
    before, after = (marker_of(b"m", {"run_id": name}) for name in ("one", "two"))
    assert before != after
    assert same_data(before, after)


def test_lost_data_is_other_data_whatever_the_server():
    assert not same_data(marker_of(b"m", {"run_id": "one"}), marker_of(b"n", {"run_id": "one"}))


def test_a_server_that_does_not_name_its_life_has_one():
    assert marker_of(b"m", {}) == marker_of(b"m", {})
