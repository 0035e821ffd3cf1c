"""What a draft says of the tables: remarks on what was found, and open points that the user must settle."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tl_jax.errors import InputError

UNKNOWN = "?"  # stands in a draft where the user must choose; no cohort file loads with it
_SET = re.compile(r"\b(?:set|write) ((\w+) = ('[^']*'|\[[^\]]*\]|\{ [^}]* \}))")
_OR = re.compile(r"\b(or|If that is a decimal comma,|,) (\w+) = ('[^']*')")


@dataclass
class Points:
    """remarks: lines of what was found. open: lines of what is to be settled, each with its remedy."""

    remarks: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)

    def say(self, line: str) -> None:
        if line not in self.remarks:
            self.remarks.append(line)

    def ask(self, text: str, part: str = "") -> None:
        """An open point; part: "expression" or "response", whose keys the text may speak of."""
        text = in_flags(text, part) if part else text
        if text not in self.open:
            self.open.append(text)

    @contextmanager
    def asking(self, part: str) -> Iterator[None]:
        """Within the block an InputError becomes an open point, and the block is left."""
        try:
            yield
        except InputError as error:
            self.ask(str(error), part)


def in_flags(text: str, part: str) -> str:
    """A message that speaks of keys of a cohort file in the words of a command that takes them as --PART_keys."""
    text = _OR.sub(r"\1 set \2 = \3", text) if _SET.search(text) else text
    return _SET.sub(lambda m: f'add --{part}_keys="{m[1]}"', text)
