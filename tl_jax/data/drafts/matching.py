"""Which tables of two files belong together by the names of their samples, and what is said of it."""

from __future__ import annotations

import re
from pathlib import Path

from tl_jax.data.cohort.schema import ExpressionTable, ResponseTable
from tl_jax.data.drafts.expression import sides
from tl_jax.data.drafts.look import Look, looks
from tl_jax.data.drafts.names import Match, match_names, named_columns
from tl_jax.data.drafts.points import Points
from tl_jax.data.tables.cells import as_ids, examples
from tl_jax.data.tables.same_names import nearest_pairs, normal

_VALUE = re.compile(r"-?\d+\.\d+(\.\d+)?")  # also one that a reader has numbered as a copy


def best_match(expression: Path, response: Path, ours_said: dict, theirs_said: dict) -> tuple[Look, Look, Match | None]:
    """The sheets or members of both files whose names agree best; the first of each where none do."""
    ours = list(looks(expression, ExpressionTable, ours_said))
    theirs = list(looks(response, ResponseTable, theirs_said))
    best: tuple[Look, Look, Match | None] = (ours[0], theirs[0], None)
    rank = (False, -1)
    for look in ours:
        found = sides(look)
        for answer in theirs:
            same = look.path == answer.path and look.keys == answer.keys
            if look.path == answer.path and look.frame.size < answer.frame.size:
                continue  # of two sheets the larger one holds the expression
            own = [side for side in found if side.rows != "genes" or not same]
            match = match_names(look.frame, answer.frame, own, not same, theirs_said.get("sample_column", ""))
            # A sheet shares all its names with itself: that counts where no other shares any.
            if match and (not same, len(match.shared)) > rank:
                best, rank = (look, answer, match), (not same, len(match.shared))
    return best


def first_value(look: Look) -> str:
    """A value among the names of columns where all but the first are values, since the heading is missing; or ""."""
    names = [str(name) for name in look.frame.columns[1:]]
    values = look.format == "table" and bool(names) and all(_VALUE.fullmatch(name) for name in names)
    return names[0] if values else ""


def heading_below(look: Look, answer: Look) -> int:
    """The row of a table, as a spreadsheet counts, that names samples of the other where its heading does not; or 0."""
    if look.format != "table":
        return 0
    known = {normal(name) for column in named_columns(answer.frame) for name in as_ids(answer.frame[column])}
    for row in range(min(3, len(look.frame))):
        names = [normal(name) for name in as_ids(look.frame.iloc[row])[1:]]
        if sum(name in known for name in names) > len(names) / 2:
            return int(look.keys.get("header_row", 1)) + row + 1
    return 0


def no_match(look: Look, answer: Look) -> str:
    """Why names do not agree, with what either table has."""
    frame, table = look.frame, answer.frame
    first = frame.index[:3] if look.format != "table" else frame.iloc[:3, 0]
    ours, theirs = examples(map(str, first)), examples(map(str, table.iloc[:3, 0]))
    alike = nearest_pairs(as_ids(table.iloc[:, 0]), [*map(str, frame.columns[1:]), *map(str, first)])
    near = f"; most alike: {', '.join(f'{a} and {b}' for a, b in alike)}" if alike else ""
    for one in (look, answer):
        if value := first_value(one):
            return f"{one.path} has no heading, for its first row holds the value '{value}'; write one above"
    row = heading_below(look, answer)
    if row:
        return (
            f"{look.path}: its heading names no samples, but row {row} does; if that is the heading, add "
            f'--expression_keys="header_row = {row}"'
        )
    return (
        f"{look.path} and {answer.path} share no sample names (the first columns begin {ours} and {theirs}; the "
        f"headings {examples(frame.columns[1:])} and {examples(table.columns[1:])}){near}; give both the same names"
    )


def ask_of_columns(match: Match, answer: Look, points: Points) -> None:
    """Two columns of a response table that name the same samples in another order: which one is it?"""
    if not match.other:
        return
    table, shared = answer.frame, set(match.shared)
    own = [match.other_cut.one(name) for name in as_ids(table[match.other])]
    for column in named_columns(table):
        names = [match.other_cut.one(name) for name in as_ids(table[column])]
        differ = [row for row, (a, b) in enumerate(zip(own, names, strict=True)) if a != b and b in shared]
        if column != match.other and differ and len(shared.intersection(names)) > len(shared) / 2:
            both = f"'{own[differ[0]]}' and '{names[differ[0]]}' in data row {differ[0] + 1}"
            points.ask(
                f"{answer.path}: the columns '{match.other}' and '{column}' both name samples, and differ ({both}); "
                f"for the first set sample_column = '{match.other}', or sample_column = '{column}'",
                "response",
            )


def ask_of_names(match: Match, look: Look, answer: Look, points: Points) -> None:
    """Names that agree and may yet be none: a first row of values in place of a heading, numbers of rows."""
    if not match.other:
        return
    value = first_value(answer)
    if value:
        points.ask(f"{answer.path} has no heading, for its first row holds the value '{value}'; write one above")
    # Names that count from 0 on one side and from 1 on the other would meet one row off.
    theirs = as_ids(answer.frame[match.other])
    mine = as_ids(look.frame[match.own]) if match.side == "samples" else [str(c) for c in look.frame.columns[1:]]
    starts = {tuple(sorted(map(int, names)))[:1] for names in (mine, theirs) if _counts(names)}
    if len(starts) > 1:
        points.ask(
            f"{answer.path}: its samples are called by row numbers that begin at another number than those of the "
            f"expression, such as '{theirs[0]}': give both tables the samples' own names"
        )


def _counts(names: list[str]) -> bool:
    """Whether names are all whole numbers from 0 or 1 on, without a gap."""
    if not names or not all(name.isdecimal() for name in names):
        return False
    known = sorted(map(int, names))
    return known[0] in (0, 1) and known == list(range(known[0], known[0] + len(known)))


def say_match(match: Match, look: Look, answer: Look, points: Points) -> None:
    """Who is in both tables, and who in one alone."""
    own, other = match.counts
    a, b = look.path.name, answer.path.name
    alone = f"; {own - len(match.shared)} are in {a} alone, {other - len(match.shared)} in {b}"
    points.say(f"{len(match.shared)} samples are in both tables, such as {examples(match.shared)}{alone}")
    for one in (look, answer):
        if one.keys:
            points.say(f"{one.path.name} is read with " + ", ".join(f"{k} = {v!r}" for k, v in one.keys.items()))
    theirs = as_ids(answer.frame[match.other]) if match.other else list(map(str, answer.frame.columns[1:]))
    cut = dict.fromkeys(match.other_cut.apply(theirs))
    shared, forms = set(match.shared), {normal(name): name for name in match.shared}
    loose = {n: forms[normal(n)] for n in cut if n not in shared and normal(n) in forms}
    if loose:
        first = ", ".join(f"'{x}' = '{y}'" for x, y in list(loose.items())[:3])
        points.say(f"{len(loose)} names of {b} were matched without regard to case, blanks and - . _ / ({first})")
    if len(match.shared) < other / 2:
        rest = [n for n in cut if n not in shared and n not in loose]
        pairs = nearest_pairs(rest, shared)
        near = f"; most alike: {', '.join(f'{x} and {y}' for x, y in pairs)}" if pairs else ""
        points.say(f"more than half of the samples of {b} have no expression, such as {examples(rest)}{near}")
