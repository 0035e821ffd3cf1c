"""Flags as data: groups by task that a script lists, and FLAGS, the values of the script at work.

Nothing here imports more than absl: --help is answered before any library is loaded.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from absl import flags


@dataclass(frozen=True)
class Flag:
    """One flag. define: adds it to absl's values.

    What would cost imports is named as "module:NAME" and read once the flags are parsed and work begins:
    default: the texts that the flag holds where none are given; words: the words that are allowed.
    """

    name: str
    define: Callable[[flags.FlagValues], None]
    default: str = ""
    words: str = ""


@dataclass(frozen=True)
class Group:
    """The flags of one task, such as "data"; a later group of the same task adds to it."""

    task: str
    flags: tuple[Flag, ...]


def group(task: str, *given: Flag) -> Group:
    return Group(task, given)


def _plain(define: Callable) -> Callable[..., Flag]:
    def declare(name: str, default, help: str, *rest) -> Flag:
        return Flag(name, lambda values: define(name, default, help, *rest, flag_values=values))

    return declare


text, integer, number = _plain(flags.DEFINE_string), _plain(flags.DEFINE_integer), _plain(flags.DEFINE_float)
switch = _plain(flags.DEFINE_bool)


def texts(name: str, default: list | str | None, help: str) -> Flag:
    """Texts separated by commas. default: the texts, or "module:NAME" of a tuple of them."""
    late = default if isinstance(default, str) else ""
    start = None if late else default
    return Flag(name, lambda values: flags.DEFINE_list(name, start, help, flag_values=values), late)


def alias(name: str, of: str) -> Flag:
    """Another name of a flag that is declared before it."""
    return Flag(name, lambda values: flags.DEFINE_alias(name, of, flag_values=values))


def choice(name: str, default: str | None, words: list[str] | str, help: str) -> Flag:
    """One of some words. words: these, or "module:NAME" of a registry of them."""
    if isinstance(words, str):
        return Flag(name, lambda values: flags.DEFINE_string(name, default, help, flag_values=values), words=words)
    return Flag(name, lambda values: flags.DEFINE_enum(name, default, words, help, flag_values=values))


def found(where: str):
    """The object that "module:NAME" means."""
    module, name = where.split(":")
    return getattr(importlib.import_module(module), name)


def defined(groups: tuple[Group, ...]) -> flags.FlagValues:
    """Fresh values of all flags of some groups."""
    values = flags.FlagValues()
    for flag in (flag for own in groups for flag in own.flags):
        flag.define(values)
    return values


def settle(values: flags.FlagValues, groups: tuple[Group, ...]) -> None:
    """Do with parsed values what costs imports: the late defaults, and words that a registry must know."""
    for flag in (flag for own in groups for flag in own.flags):
        held = values[flag.name]
        if flag.default and not held.present:
            held.value = list(found(flag.default))
        if flag.words and held.present and held.value not in (words := list(found(flag.words))):
            raise flags.IllegalFlagValueError(
                f"flag --{flag.name}={held.value}: value should be one of <{'|'.join(words)}>"
            )


class Current:
    """The values of the script at work; outside of one, those that absl keeps for the process."""

    def __init__(self):
        self.stack = [flags.FLAGS]

    def __getattr__(self, name: str):
        return getattr(self.stack[-1], name)

    def __getitem__(self, name: str) -> flags.Flag:
        return self.stack[-1][name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.stack[-1])

    @contextmanager
    def of(self, values: flags.FlagValues) -> Iterator[None]:
        """Let these values be the current ones."""
        self.stack.append(values)
        try:
            yield
        finally:
            self.stack.pop()


FLAGS = Current()
