"""Which tables of two files belong together by the names of their samples, and what is said of it."""

from __future__ import annotations

from pathlib import Path

from tl_jax.data.cohort.schema import ExpressionTable, ResponseTable
from tl_jax.data.drafts.expression import sides
from tl_jax.data.drafts.look import Look, looks
from tl_jax.data.drafts.names import Match, match_names
from tl_jax.data.drafts.points import Points
from tl_jax.data.tables.cells import as_ids, examples
from tl_jax.data.tables.same_names import nearest_pairs, normal


def best_match(expression: Path, response: Path, ours_said: dict, theirs_said: dict) -> tuple[Look, Look, Match | None]:
    """The sheets or members of both files whose names agree best; the first of each where none do."""
    ours = list(looks(expression, ExpressionTable, ours_said))
    theirs = list(looks(response, ResponseTable, theirs_said))
    best: tuple[Look, Look, Match | None] = (ours[0], theirs[0], None)
    for look in ours:
        found = sides(look)
        for answer in theirs:
            same = look.path == answer.path and look.keys == answer.keys
            own = [side for side in found if side.rows != "genes" or not same]
            match = match_names(look.frame, answer.frame, own, heading=not same)
            if match and (best[2] is None or len(match.shared) > len(best[2].shared)):
                best = look, answer, match
    return best


def no_match(look: Look, answer: Look) -> str:
    """Why names do not agree, with what either table has."""
    frame, table = look.frame, answer.frame
    first = frame.index[:3] if look.format != "table" else frame.iloc[:3, 0]
    ours, theirs = examples(map(str, first)), examples(map(str, table.iloc[:3, 0]))
    alike = nearest_pairs(as_ids(table.iloc[:, 0]), [*map(str, frame.columns[1:]), *map(str, first)])
    near = f"; most alike: {', '.join(f'{a} and {b}' for a, b in alike)}" if alike else ""
    return (
        f"{look.path} and {answer.path} share no sample names (the first columns begin {ours} and {theirs}; the "
        f"headings {examples(frame.columns[1:])} and {examples(table.columns[1:])}){near}; give both the same names"
    )


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
