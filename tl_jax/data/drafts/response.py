"""What a response table seems to hold: a row for each sample, or for each sample and drug; which column is measured."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from tl_jax.data.directions import direction_of, is_measured, measure_words
from tl_jax.data.drafts.points import UNKNOWN, Points
from tl_jax.data.drugs.names import is_drug
from tl_jax.data.genes.others import no_genes
from tl_jax.data.tables.cells import as_ids, examples, nearest, nearest_drug
from tl_jax.data.tables.copies import AVERAGE, filters, told_apart
from tl_jax.data.tables.numbers import faults, holds_numbers
from tl_jax.data.tables.same_names import normal, spellings, with_id
from tl_jax.errors import InputError

DRUG = re.compile(r"drug|compound|treatment|agent|medic|inhibitor|substance|therapy", re.IGNORECASE)
# Before such words a column of treatments says what a patient had before, or a class of drugs.
NOT_THE_DRUG = re.compile(
    r"prior|previous|past|history|pre_?treat|naive|concomitant|line|class|target|pathway|moa|type|dose|conc|unit|time"
    r"|duration|group|arm\b|status|control|vehicle|[_ .]?2$|second|partner|combin",
    re.IGNORECASE,
)
YES_NO = {"yes", "no", "y", "n", "true", "false", "0", "1", "0.0", "1.0", "none", "unknown", "treated"}
YES_NO |= {"untreated", "naive", "", "na", "pos", "neg", "positive", "negative", "+", "-"}
MOST_WORDS = 6  # kinds of response in words
_SPREAD = {"sd", "std", "stdev", "stddev", "se", "sem", "stderr", "cv", "var", "variance"}
_SPREAD |= {"lower", "upper", "ci95", "pvalue"}
METRIC = re.compile(r"metric|measure|readout|endpoint|parameter|variable|statistic|assay", re.IGNORECASE)


def guess_response(frame: pd.DataFrame, path: Path, samples: str, wishes, points: Points) -> dict:
    """The keys of [domain.response] beside path and names: format, columns, drugs.

    samples: the column of names. What the table leaves open becomes an open point. InputError for what cannot be read.
    """
    value, drug = _stated(wishes.value, frame, path, points), wishes.drug
    numeric = [c for c in frame.columns if c != samples and holds_numbers(frame[c]) and not names_drugs(frame, c)]
    if value is not None and value not in numeric:
        raise InputError(f"{path}: column '{value}' (--value) holds no numbers; name another")
    if not numeric:
        raise InputError(f"{path} has no column of numbers beside '{samples}'; {_of_words(frame, samples)}")
    drugs = drug_column(frame, samples, drug)
    by = [samples, drugs] if drugs else [samples]
    if drugs:
        keys = long_keys(frame, path, drugs, value or measured(frame, numeric, path, points), drug, points)
        if keys.get("drugs", [UNKNOWN]) != [UNKNOWN]:
            own = normal(keys["drugs"][0])
            frame = frame[[normal(name) == own for name in as_ids(frame[drugs])]].assign(**{drugs: keys["drugs"][0]})
    elif (named := wishes.response_keys.get("drugs")) and not (drug or value):
        keys = {"format": "wide", "drugs": list(named)}
    else:
        keys = wide_keys(frame, numeric, path, value, drug, points)
    if wishes.response_keys.get("duplicates") == "mean":
        return keys
    return keys | _copies(frame, path, by, keys, points)


def _of_words(frame: pd.DataFrame, samples: str) -> str:
    """What to do about a table of words, such as responder and non-responder, CR and PD."""
    for column in frame.columns.drop(samples):
        words = sorted({w for w in as_ids(frame[column]) if w})
        if 1 < len(words) <= MOST_WORDS and len(words) < len(frame) / 2:
            return (
                f"if '{column}' is the response ({examples(words, MOST_WORDS)}), write its words as numbers in their "
                "order, such as 0 and 1"
            )
    return "is it the table of responses?"


def _stated(value: str | None, frame: pd.DataFrame, path: Path, points: Points) -> str | None:
    """The column that --value means: exactly, else in its normal form, which is said."""
    if value is None or value in frame.columns:
        return value
    found = spellings(value, frame.columns)
    if len(found) != 1:
        raise InputError(f"{path} has no column '{value}' (--value); {nearest(value, frame.columns)}")
    points.say(f"--value={value} is taken for the column '{found[0]}'")
    return found[0]


def _copies(frame: pd.DataFrame, path: Path, by: list[str], keys: dict, points: Points) -> dict:
    """How rows of one sample and drug are treated: averaged where nothing tells them apart, asked otherwise."""
    named = frame[frame[by[0]].notna()]
    copies = int(named.duplicated(by).sum())
    if not copies:
        return {}
    drugs = [c for c in keys.get("drugs", ()) if len(by) == 1 and c in named.columns]
    apart = told_apart(named.drop(columns=drugs), by, keys.get("value_column", ""))
    if not apart and len(by) == 2:
        points.say(f"{copies:,} repeated measurements of a sample and drug are averaged; filter chooses among them")
        return {"duplicates": "mean"}
    first = named[named.duplicated(by)].iloc[0]
    what = f"sample '{as_ids([first[by[0]]])[0]}'"
    what += f" and drug '{first[by[1]]}' have" if len(by) == 2 else " has"
    if apart:
        columns = ", ".join(apart)
        points.ask(
            f"{path}: {what} several rows, which differ in {columns}: no repeats; {filters(apart)}{AVERAGE}",
            "response",
        )
        return {"filter": dict.fromkeys(apart, UNKNOWN)}
    remedy = "keep one row for each sample, or name that column 'drug'; to average them set duplicates = 'mean'"
    points.ask(f"{path}: {what} several rows, and no column names a drug; {remedy}", "response")
    return {}


def drug_column(frame: pd.DataFrame, samples: str, drug: str | None = None) -> str | None:
    """The column of drug names in a table of one row for each sample and drug; None where there is none.

    Its values are names: no yes and no, and not what a patient had before. One that holds the wanted drug comes first.
    """
    text = [c for c in frame.columns if c != samples and (not holds_numbers(frame[c]) or names_drugs(frame, c))]
    text = [c for c in text if not {v.casefold() for v in as_ids(frame[c].dropna().unique())} <= YES_NO]
    named = [c for c in text if DRUG.search(str(c)) and not NOT_THE_DRUG.search(str(c))]
    if drug:
        holding = [c for c in text if _meant(drug, as_ids(frame[c].dropna().unique()))]
        own = [c for c in named if c in holding] or [c for c in holding if not NOT_THE_DRUG.search(str(c))]
        if own:
            return own[0]
    if named:
        return next((c for c in named if re.search("name", str(c), re.IGNORECASE)), named[0])
    if drug or not frame[samples].duplicated().any():
        return None
    # A column that says what was measured, or how, tells rows apart as well; it names no drug.
    left = [c for c in text if not METRIC.search(str(c)) and not NOT_THE_DRUG.search(str(c))]
    left = [c for c in left if not all(map(is_measured, as_ids(frame[c].dropna().unique())))]
    return next((c for c in left if not frame.duplicated([samples, c]).any()), None)


def names_drugs(frame: pd.DataFrame, column: str) -> bool:
    """Whether a column is called after drugs and has texts, though most of them could be numbers (5-FU, 5 FU)."""
    called = DRUG.search(str(column)) and not NOT_THE_DRUG.search(str(column)) and not is_measured(column)
    return bool(called) and bool(faults(frame[column]))


def _meant(drug: str, known: list[str]) -> list[str]:
    """The names that a drug means: its spellings, else those with an id beside it."""
    return spellings(drug, known) or with_id(drug, known)


def long_keys(frame: pd.DataFrame, path: Path, column: str, value: str, drug: str | None, points: Points) -> dict:
    known = [n for n in dict.fromkeys(as_ids(frame[column])) if n]
    keys = {"format": "long", "drug_column": column, "value_column": value}
    return keys | ({"drugs": [wanted(drug, known, path, points)]} if drug else {})


def wanted(drug: str, known: list[str], path: Path, points: Points) -> str:
    """The table's name of the drug that --drug means: exactly, by its normal form or beside an id, which is said."""
    found = _meant(drug, known)
    if not found:
        points.ask(f"{path} has no drug '{drug}' (--drug); {nearest_drug(drug, known)}")
        return UNKNOWN
    if not spellings(drug, known) and len(found) > 1:
        points.ask(f"{path}: --drug={drug} may mean {examples(found, 6)}; give one of these names as --drug")
        return UNKNOWN
    if found[0] != drug:
        points.say(f"--drug={drug} is '{found[0]}' in {path.name}")
    if len(found) > 1:
        points.say(f"{examples(found, 6)} of {path.name} are spellings of one drug and are taken together")
    beside = [name for name in known if name not in found and normal(drug) in normal(name)]
    if beside:
        what = f"{examples(beside, 6)} of {path.name} hold the name {drug} and count as other drugs"
        points.say(f"{what}; rename those that are it")
    return found[0]


def wide_keys(
    frame: pd.DataFrame, numeric: list[str], path: Path, value: str | None, drug: str | None, points: Points
) -> dict:
    """A row for each sample: one measured column, or a column for each drug."""
    own = _meant(drug, numeric) if drug and value is None else []
    if own:
        return {"format": "wide", "drugs": [wanted(drug, numeric, path, points)]}
    clinical = [c for c in no_genes(numeric) if not is_drug(c)]
    others = [c for c in numeric if c not in clinical or is_measured(c)] or numeric
    likely = no_spreads([c for c in others if is_measured(c)])
    alike = len(likely) > 1 and len({measure_words(c) for c in likely}) == 1 and len(set(likely)) == len(likely)
    if value is None and len(others) > 1 and (not likely or (alike and not drug)):
        if drug:
            points.ask(f"{path} has no drug '{drug}' (--drug); {nearest_drug(drug, others)}")
            return {"format": "wide", "drugs": [UNKNOWN]}
        drugs = likely or others
        if out := [c for c in numeric if c not in drugs]:
            points.say(
                f"{path.name}: {examples(out, 6)} are taken for no drugs and left out; where one is a drug, "
                f'--response_keys="drugs = [...]" names all that are'
            )
        return {"format": "wide", "drugs": drugs}
    column = value or measured(frame, others, path, points)
    if drug and value is None and column != UNKNOWN and not is_measured(column):
        points.ask(
            f"{path}: its one column of numbers is '{column}', which names neither a measure nor {drug}; if it is the "
            f'response to {drug}, add --value="{column}"'
        )
    if not drug:
        points.ask(f"{path}: which drug does the column '{column}' measure? Add --drug=NAME")
    return {"format": "wide", "value_column": column, "drug": drug or UNKNOWN}


def no_spreads(columns: list[str]) -> list[str]:
    """Columns without those that say how sure another one is (viability_sd, AUC_lower), where others are left."""
    return [c for c in columns if not _SPREAD.intersection(re.split(r"[^a-z0-9]+", str(c).casefold()))] or columns


def measured(frame: pd.DataFrame, numeric: list[str], path: Path, points: Points) -> str:
    """The one column of measurements; an open point where several may be it."""
    likely = [c for c in numeric if is_measured(c)] or [c for c in numeric if c not in no_genes(numeric)] or numeric
    likely = no_spreads(likely)
    # `score` or `value` gives way to a column that says what it is.
    named = [c for c in likely if direction_of(c).high or direction_of(c).doubt]
    likely = named or likely
    if len(likely) > 1:
        points.ask(f"{path}: {examples(likely, 6)} could each be the response; add --value=COLUMN")
        return UNKNOWN
    return likely[0]
