"""Progress lines with a clock that the test moves."""

import io

import pytest

from tl_jax.system import progress as progress_module
from tl_jax.system.progress import Progress, duration, say


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


class Terminal(io.StringIO):
    def isatty(self):
        return True


def run(total, seconds_each, **options):
    """Lines of a piped loop whose runs take `seconds_each`."""
    stream, clock = io.StringIO(), Clock()
    with Progress(total, "target copy_layer1", stream=stream, clock=clock, **options) as progress:
        for _ in range(total):
            clock.now += seconds_each
            progress.advance()
    return stream.getvalue().splitlines()


def test_piped_lines_at_start_every_ten_seconds_and_at_the_end():
    assert run(6, 5) == [
        "target copy_layer1: 0/6 runs",
        "target copy_layer1: 2/6 runs, 10 s, about 20 s left",
        "target copy_layer1: 4/6 runs, 20 s, about 10 s left",
        "target copy_layer1: 6/6 runs, 30 s",
    ]


def test_a_fast_loop_writes_two_lines_and_an_empty_one_none():
    assert len(run(500, 0.01)) == 2
    assert run(0, 1) == []


def test_unit_note_and_time_left():
    stream, clock = io.StringIO(), Clock()
    with Progress(30, "target", unit="folds", stream=stream, clock=clock) as progress:
        clock.now += 41
        progress.advance(12, note="source Bortezomib")
    lines = stream.getvalue().splitlines()
    assert lines[1] == "target: 12/30 folds, 41 s, about 1 min 02 s left, source Bortezomib"


def test_an_error_is_told_and_passed_on():
    stream = io.StringIO()

    def broken():
        with Progress(3, "target", stream=stream, clock=Clock()) as progress:
            progress.advance()
            raise KeyError("x")

    with pytest.raises(KeyError):
        broken()
    assert stream.getvalue().splitlines()[-1] == "target: 1/3 runs, 0 s, stopped early"


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    return Terminal()


def drawn(stream):
    """The bar as it was drawn each time, without its time."""
    return [text.split("|") for text in stream.getvalue().replace("\n", "\r").split("\r") if text.strip()]


def test_terminal_shows_a_bar(terminal):
    with Progress(2, "arm[1]", unit="folds", stream=terminal) as progress:
        progress.advance(2, note="done")
    first, last = drawn(terminal)[0], drawn(terminal)[-1]
    assert (first[0], last[0]) == ("arm[1]: 0/2 folds ", "arm[1]: 2/2 folds ")
    assert first[1].strip() == ""
    assert len(set(last[1])) == 1  # full
    assert first[2].startswith(" 00:00, ? left")
    assert last[2].startswith(" 00:00, 00:00 left, done")
    assert terminal.getvalue().endswith("\n")


def test_the_time_left_comes_from_all_runs_so_far(terminal):
    with Progress(40, "target", stream=terminal) as progress:
        progress._bar.start_t -= 30  # tqdm reads its own clock
        progress.advance(10)
    assert drawn(terminal)[-1][0] == "target: 10/40 runs "
    assert drawn(terminal)[-1][2].startswith(" 00:30, 01:30 left")


def test_a_line_while_a_bar_is_shown_stands_above_it(terminal):
    with Progress(3, "target", stream=terminal) as progress:
        progress.advance()
        before = len(terminal.getvalue())
        say("a remark", terminal)
        after = terminal.getvalue()[before:]
    line, bar = after.split("a remark\n")
    assert line.strip() == ""
    assert line.endswith("\r")  # the bar was wiped first
    assert "1/3 runs" in bar
    alone = io.StringIO()
    say("another", alone)
    assert alone.getvalue() == "another\n"


def test_a_bar_goes_with_an_error(terminal):
    def broken():
        with Progress(3, "target", stream=terminal) as progress:
            progress.advance()
            raise KeyError("x")

    with pytest.raises(KeyError):
        broken()
    assert drawn(terminal)[-1][0] == "target: 1/3 runs "
    assert progress_module._bars == []


def test_dumb_terminal_gets_plain_lines(monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    stream = Terminal()
    with Progress(1, "target", stream=stream, clock=Clock()) as progress:
        progress.advance()
    assert stream.getvalue() == "target: 0/1 runs\ntarget: 1/1 runs, 0 s\n"


def test_say_writes_one_line_to_the_current_stderr(capsys):
    say("two\n  lines")
    assert capsys.readouterr().err == "two lines\n"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59.6, "1 min 00 s"), (62, "1 min 02 s"), (7500, "2 h 05 min")]
)
def test_duration(seconds, text):
    assert duration(seconds) == text
