"""The suite is as large as it says: every kind is run by some test, and all tests have a thousand examples."""

from pathlib import Path

import pytest
from counted import DEFAULT, FEW, MANY, seeds
from judged import check_message


def test_a_thousand_in_all_and_thousands_in_the_slow_run():
    assert sum(DEFAULT.values()) >= 1000
    assert sum(DEFAULT.values()) * MANY >= 10_000
    assert len(list(seeds("gz", slow=False))) == -(-DEFAULT["gz"] // FEW)
    assert len(list(seeds("gz", slow=True))) == DEFAULT["gz"] * MANY


def test_every_kind_is_run():
    text = "".join(p.read_text() for p in Path(__file__).parent.glob("test_fuzz_*.py") if p != Path(__file__))
    assert [kind for kind in DEFAULT if f'"{kind}"' not in text] == []


def test_seeds_give_the_same_examples_every_time():
    assert [r.random() for r in seeds("zip", False)] == [r.random() for r in seeds("zip", False)]
    assert next(seeds("zip", False)).random() != next(seeds("zip", True)).random()


@pytest.mark.parametrize(
    "message", ["t.csv: a\nb, correct it", "t.csv: \x1b[2J, correct it", "t.csv " * 200, "<x.Y object at 0x7f00001234>"]
)
def test_a_bad_message_does_not_pass(message):
    with pytest.raises(AssertionError):
        check_message(message, ("t.csv",), "")


def test_a_message_that_names_nothing_does_not_pass():
    with pytest.raises(AssertionError, match="names none"):
        check_message("something went wrong here", ("t.csv",), "")
