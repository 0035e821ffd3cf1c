"""What a broken input may end in: one clear line, or a result that the caller then compares. Nothing else."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from counted import seeds

from tl_jax.errors import InputError

LONGEST = 600  # characters of a message
SECONDS = 20.0  # of one example, on a slow machine too
_ADDRESS = re.compile(r"0x[0-9a-f]{9,}|<[\w.]+ object|Traceback")


def judged(call: Callable, *names: str, place: str = ""):
    """(result, None) or (None, message) of call(); AssertionError for a message that is not one clear line.

    names: of which a message must hold at least one. place: a path that is left out of the length, as it is the test's.
    """
    start = time.process_time()
    try:
        result, message = call(), None
    except InputError as error:
        result, message = None, str(error)
    assert time.process_time() - start < SECONDS, f"took {time.process_time() - start:.1f} s"
    if message is not None:
        check_message(message, names, place)
    return result, message


def check_message(message: str, names: tuple[str, ...], place: str) -> None:
    assert message.isprintable(), ascii(message)
    assert 10 < len(message.replace(place, "") if place else message) < LONGEST, f"{len(message)} characters: {message}"
    assert not _ADDRESS.search(message), message
    assert not names or any(name in message for name in names), f"names none of {names}: {message}"


def judged_each(kind: str, slow: bool, make: Callable, call: Callable, *names: str, place="", same=None) -> int:
    """Every example of a kind: call(make(generator)) judged, an accepted result given to `same`; how many were refused.

    same: (what was made, the result), raises AssertionError for a result that is silently wrong.
    """
    refused = 0
    for number, rng in enumerate(seeds(kind, slow)):
        made = make(rng)
        try:
            result, message = judged(lambda made=made: call(made), *names, place=str(place))
            refused += message is not None
            if message is None and same is not None:
                same(made, result)
        except Exception as error:
            raise AssertionError(f"{kind}, example {number}: {type(error).__name__}: {error}") from error
    return refused
