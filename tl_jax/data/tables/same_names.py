"""Which names of two lists mean the same: exactly, else in one normal form; drugs also with an id beside them."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable

_SIGNS = r"[\s\-._/]"
# Beside a drug's name: ids (1375, GDSC2:1375, BRD-K12343256), doses' units and what was measured.
_BESIDE = re.compile(
    r"\d+|[a-z]{1,8}\d{3,}\w*|gdsc\d|ctrp\w*|prism\w*|brd|chembl|cid|pubchem|gdsc|um|nm|mm|ug|ml|auc|aac|aoc|ic\d\d|ec\d\d|gi\d\d"
    r"|ln|log\d*|viability|response|inhibition|dss|score|value|raw|mean|avg|pct|percent|drug|hcl|hydrochloride",
)


# The number of a repeat at the end of a name.
REPEAT = re.compile(
    r"(?:[._ -]?(?:bio|tech)?_?rep(?:licate|eat)?|[._ -](?:replicate|repeat|r|dup|copy|tech|bio|run|br|tr))[._ -]?\d+$"
    r"|(?<=[A-Za-z]\d)[._]\d$|(?<=[A-Za-z]\d\d)[._]\d$|(?<=[A-Za-z]\d\d\d)[._]\d$",
    re.IGNORECASE,
)


def normal(name: str) -> str:
    """A name without case, blanks and the signs - . _ /, so that MCF-7 and mcf7 are one; 7 of 007 and 7.0."""
    text = str(name).strip()
    if re.fullmatch(r"\d+(\.0)?", text):
        return text.removesuffix(".0").lstrip("0") or "0"
    text = re.sub(r"(?<=\d)\.(?=\d)", "|", text)  # 1.1 is not 11, but 786-0 may be 7860
    return re.sub(f"{_SIGNS}+", "", text).casefold() or text


def _spaced(name: str) -> str:
    """The normal form with a sign kept between two digits: 1.1 is not 11."""
    text = re.sub(rf"(?<=\d){_SIGNS}+(?=\d)", "|", str(name).strip())
    return re.sub(f"{_SIGNS}+", "", text).casefold() or text


def renamed(theirs: Iterable[str], ours: Iterable[str]) -> dict[str, str]:
    """{one of theirs: the one of ours that it means} for names that are not there exactly.

    Two rounds: forms in which 1.1 stays apart from 11, then normal forms (7860 for 786-0). A form must belong to one
    name on either side, and a name whose part before a sign is a name of the other side is left alone (P1-1 is no P11
    where there is a P1).
    """
    theirs, ours = dict.fromkeys(map(str, theirs)), dict.fromkeys(map(str, ours))
    found: dict[str, str] = {}
    for form in (_spaced, normal):
        taken = set(found.values())
        mine = _unique((n for n in ours if n not in theirs and n not in taken), form)
        for name in _unique((n for n in theirs if n not in ours and n not in found), form).values():
            other = mine.get(form(name))
            if other and not (form is normal and (_is_part(name, ours) or _is_part(other, theirs))):
                found[name] = other
    return found


def _unique(names: Iterable[str], form) -> dict[str, str]:
    """{form: name} of the forms that one name has."""
    forms = [(form(name), name) for name in names]
    count = Counter(key for key, _ in forms)
    return {key: name for key, name in forms if count[key] == 1}


def _is_part(name: str, others: dict[str, str | None]) -> bool:
    """Whether what stands before a sign between two digits is a name of the other side."""
    parts = [name[: m.start()] for m in re.finditer(rf"(?<=\d){_SIGNS}+(?=\d)", name)]
    return any(part in others for part in parts)


def renamed_line(found: dict[str, str], what: str) -> str:
    """One line on names that were matched by their normal form."""
    first = ", ".join(f"'{a}' = '{b}'" for a, b in list(found.items())[:3]) + ", ..." * (len(found) > 3)
    return f"{len(found)} {what} matched without regard to case, blanks and the signs - . _ / ({first})"


def nearest_pairs(theirs: Iterable[str], ours: Iterable[str], most: int = 3) -> list[tuple[str, str]]:
    """The most alike pairs of names of two lists, at most `most` (of the first 300 of each)."""
    ours = list(dict.fromkeys(map(str, ours)))[:300]
    forms = {normal(name): name for name in ours}
    pairs = []
    for name in list(dict.fromkeys(map(str, theirs)))[:300]:
        close = difflib.get_close_matches(normal(name), forms, n=1, cutoff=0.7)
        if close:
            pairs.append((difflib.SequenceMatcher(None, normal(name), close[0]).ratio(), name, forms[close[0]]))
    return [(a, b) for _, a, b in sorted(pairs, key=lambda p: -p[0])[:most]]


def spellings(wanted: str, known: Iterable[str]) -> list[str]:
    """Names that mean the wanted one: those equal but for case, else those of its normal form; [] where none does."""
    known = [str(k) for k in known]
    folded = [k for k in known if normal(k) == normal(wanted)]
    return [wanted] * (wanted in folded) + [k for k in folded if k != wanted]


def with_id(wanted: str, known: Iterable[str]) -> list[str]:
    """Names that hold the wanted one beside an id or a measure: Temozolomide_1375, TEMOZOLOMIDE (GDSC2:1375)."""
    words = _words(wanted)
    return [k for k in map(str, known) if words and _rest_is_beside(_words(k), words)]


def _words(name: str) -> list[str]:
    return [w for w in re.split(r"[^a-z0-9]+", str(name).casefold()) if w]


def _rest_is_beside(words: list[str], wanted: list[str]) -> bool:
    size = len(wanted)
    for start in range(len(words) - size + 1):
        if words[start : start + size] == wanted:
            rest = words[:start] + words[start + size :]
            return bool(rest) and all(_BESIDE.fullmatch(word) for word in rest)
    return False


_NORMAL_TISSUE = re.compile(
    r"TCGA[-.]\w{2}[-.]\w{4}[-.]1\d.*|.*[-_. ](normal|nat|healthy|blood|germline|adjacent)([-_. ].*)?|.+[-_.]N\d?",
    re.IGNORECASE,
)


def is_normal_tissue(name: str) -> bool:
    """Whether a name says that a sample is of normal tissue: TCGA's sample types 10 to 19, P01_N, P01_normal."""
    return bool(_NORMAL_TISSUE.fullmatch(name))


def is_later_tumour(name: str) -> bool:
    """Whether a name is that of a recurrence or metastasis, by TCGA's sample types 02 to 09: no repeat of the first."""
    return re.fullmatch(r"TCGA[-.]\w{2}[-.]\w{4}[-.]0[2-9].*", name, re.IGNORECASE) is not None


def normal_tissue_pattern(names: list[str]) -> str:
    """A pattern for `leave_out` that finds these names of normal tissue, and no tumour's."""
    if all(name.upper().startswith("TCGA") for name in names):
        return "^TCGA[-.]..[-.]....[-.]1"
    endings = sorted({re.split(r"[-_. ]", name)[-1] for name in names})
    return f"[-_. ]({'|'.join(map(re.escape, endings))})$"
