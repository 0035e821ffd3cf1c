"""What a high value of a response means, by the words of its name: resistant, sensitive, or in doubt, which is asked.

A word has a meaning (AUC: resistant, AAC: sensitive), a sign turns it (1-AUC, -log10 IC50, pIC50, loss of viability).
Words that contradict each other, and survival of patients, are in doubt.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple

from tl_jax.data.domain import RESISTANT, SENSITIVE

_DOSE = r"(?:ln|log\d*|abs|rel)?(?:(?:ic|ec|gi|ac|lc|ld|gr|gec|ed)\d{2,3}|tgi)"
_HIGH_RESISTS = re.compile(
    rf"auc\w{{0,3}}|{_DOSE}|viab\w*|viable|alive|livecells?|resist\w*|grow\w*|prolif\w*|confluen\w*|surviving|survivors?"
    r"|gr(max|inf)|ctg|atp|luminescence|mic"
)
_HIGH_RESPONDS = re.compile(
    r"aac\w{0,3}|aoc|inhib\w*|sensitiv\w*|s?dss\d?|efficacy|kill\w*|death|dead|cytotox\w*|toxic\w*|apopto\w*|actarea"
    r"|ssmd|regression|shrinkage|depletion"
)
_TURNS = re.compile(
    r"neg|negative|minus|inver\w+|inv|rever\w+|reciprocal|reduc\w+|decreas\w+|loss|lost|nlog\d*|neglog\w*|minuslog\w*"
    r"|oneminus|complement"
)
_TURNED = re.compile(r"p(?:ic|ec|gi|ac|lc|gr)\d{0,3}|(?:neg|minus|n)log\d*(?:ic|ec|gi|ac)\d{0,3}")
_OF_PATIENTS = re.compile(
    r"os|pfs|dfs|efs|rfs|ttp|dmfs|css|overall|progression|recurrence|relapse|mortality|followup|vital|surv\w*"
)
_OF_CELLS = re.compile(r"fraction\w*|cells?|pct|percent\w*|clonogenic|viab\w*|colony")
_TIMES = re.compile(r"days?|months?|years?|weeks?|time")
GENERIC = re.compile(
    r"values?|responses?|scores?|effects?|measure\w*|outcome|activity|potency|result|emax|einf|zscore|z|y|label"
    r"|lfc|log\d?fc|foldchange|fold|area"
)


class Direction(NamedTuple):
    """high: "resistant", "sensitive", or "" where the name does not say. doubt: why it does not, "" where no word
    means anything."""

    high: str
    doubt: str = ""


def direction_of(name: str) -> Direction:
    """What a high value means by the name of a column, a metric or a unit."""
    words, turns = _words(name)
    survival = _survival(words)
    if survival and not _is_of_cells(words):
        return Direction("", f"'{survival}' may be the survival of patients or of cells")
    resists = [w for w in words if _HIGH_RESISTS.fullmatch(w)] + [survival] * bool(survival) + _area(words, "under")
    responds = [w for w in words if _HIGH_RESPONDS.fullmatch(w) or _TURNED.fullmatch(w)]
    responds += _area(words, "above", "act", "activity")
    # Inhibition of growth inhibits, and so does inhibition of proliferation or viability.
    if responds and resists and all(w.startswith("inhib") for w in responds) and _are_of_cells(resists):
        resists = []
    if resists and responds:
        return Direction("", f"'{resists[0]}' and '{responds[0]}' mean the opposite")
    if not resists and not responds:
        return Direction("")
    if re.match(r"x?1[._ ]+a[ua]c", str(name).strip().casefold()):
        return Direction("", "it may be 1 - AUC, as R writes it")
    means = RESISTANT if resists else SENSITIVE
    turns += sum(bool(_TURNS.fullmatch(w)) for w in words)
    turns += sum(word == "p" and bool(re.fullmatch(_DOSE, after)) for word, after in pairwise(words))
    return Direction(_opposite(means) if turns % 2 else means)


def _survival(words: list[str]) -> str:
    """The word that may speak of patients, "" where none does."""
    timed = [w for w in words if w == "dss"] if any(map(_TIMES.fullmatch, words)) else []
    return next((w for w in words if _OF_PATIENTS.fullmatch(w) or w in timed), "")


def _is_of_cells(words: list[str]) -> bool:
    return any(map(_OF_CELLS.fullmatch, words)) and not any(map(_TIMES.fullmatch, words))


def _area(words: list[str], *beside: str) -> list[str]:
    """["area"] where the name has it beside one of some words."""
    return ["area"] * ("area" in words and not {*beside}.isdisjoint(words))


def _are_of_cells(words: list[str]) -> bool:
    return all(re.match(r"grow|prolif|viab|confl", w) for w in words)


def _opposite(means: str) -> str:
    return SENSITIVE if means == RESISTANT else RESISTANT


def _words(name: str) -> tuple[list[str], int]:
    """The words of a name in small letters, and how many signs turn it."""
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", str(name)).casefold().replace("\u2212", "-")
    text = text.replace("%", " percent ")
    text, ones = re.subn(r"(?<![\w.])(?:1|100|one)\s*(?:percent)?[\s_.]*(?:-|minus)[\s_.]*(?=[a-z(])", " ", text)
    text, shares = re.subn(r"(?<![\w.])1\s*/\s*(?=[a-z(])", " ", text)
    text, signs = re.subn(r"(?:^|(?<=[\s(_]))-\s*(?=[a-z(])", " ", text)
    return [w for w in re.split(r"[^a-z0-9]+", text) if w], ones + shares + signs


def is_measured(name: str) -> bool:
    """Whether a name is that of a response: it says what a high value means, or is a general word such as score."""
    found = direction_of(name)
    return bool(found.high or found.doubt) or any(GENERIC.fullmatch(w) for w in _words(name)[0])


def measure_words(name: str) -> frozenset[str]:
    """The words of a name that say what was measured."""
    return frozenset(w for w in _words(name)[0] if is_measured(w))
