"""The user's tables as a cohort for each drug that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tl_jax.data.chain import Cohort
from tl_jax.data.cohort.cohort_file import shipped_content
from tl_jax.data.drafts.draft import Wishes
from tl_jax.data.drafts.write import in_source, matching, write_cohort
from tl_jax.data.drugs.names import taken_for
from tl_jax.data.tables import cells
from tl_jax.data.tables.raw_tables import find_file
from tl_jax.errors import InputError

AUTO, NONE, ALL = "auto", "none", "all"
SOURCES = ("gdsc", "nci60")  # shipped cohorts whose first domain may be the source, the first that is there


@dataclass(frozen=True)
class Tables:
    """expression, response, annotation: the user's tables. folder: that holds them, and the source's; None: that of
    the expression.

    drugs: to answer for; () for the one of the table, ("all",) for each. source: a shipped cohort, AUTO or NONE.
    wishes: what else the user said (data/drafts).
    """

    expression: Path
    response: Path
    annotation: Path | None = None
    folder: Path | None = None
    drugs: tuple[str, ...] = ()
    source: str = AUTO
    wishes: Wishes = field(default_factory=lambda: Wishes("answer"))

    @property
    def data_dir(self) -> Path:
        return self.folder or self.expression.parent


def drafted(tables: Tables, out: Path) -> tuple[list[str], list[Cohort]]:
    """Write the cohort file: (what to tell the user, a cohort for each drug). InputError, naming a flag, for all that
    is not said."""
    one = tables.drugs[0] if len(tables.drugs) == 1 and not every(tables) else None
    several = bool(tables.drugs) and one is None
    wishes = replace(tables.wishes, source=source_of(tables), drug=one, several=several)
    written = write_cohort(out, tables.data_dir, tables.expression, tables.response, tables.annotation, wishes)
    if written.open:
        points = " ".join(f"({number}) {point}" for number, point in enumerate(written.open, 1))
        raise InputError(points if len(written.open) > 1 else written.open[0])
    found = written.lines
    if tables.source == AUTO and not wishes.source:
        found.append(
            f"no public cell lines in {tables.data_dir}, so these samples alone are learned from; "
            f"tl_jax fetch gdsc --data_dir={tables.data_dir} brings them"
        )
    own = cohorts(written.cohort, tables)
    more = [line for drug, name in spelled(own[0], tables).items() if (line := taken_for(drug, name, "the table"))]
    more += [line for cohort in own for line in in_source(cohort, cohort.drug)]
    return [*found, *(f"- {line}" for line in more if f"- {line}" not in found)], own


def every(tables: Tables) -> bool:
    return [drug.casefold() for drug in tables.drugs] == [ALL]


def source_of(tables: Tables) -> str:
    """The shipped cohort whose first domain becomes the source; "" for none."""
    if tables.source == NONE:
        return ""
    if tables.source != AUTO:
        return tables.source
    return next((name for name in SOURCES if is_there(name, tables.data_dir)), "")


def is_there(name: str, folder: Path) -> bool:
    """Whether the tables of a shipped cohort's first domain stand in a folder."""
    first = shipped_content(name)["domain"][0]
    try:
        for part in ("expression", "response", "annotation"):
            find_file(folder / first[part]["path"])
    except InputError:
        return False
    return True


def cohorts(own: Cohort, tables: Tables) -> list[Cohort]:
    """A cohort for each drug, each with the source drug that is tried first as its default.

    That is the drug itself where the source knows it, else the cohort's own default.
    """
    return [
        replace(own, drug=drug, title=f"{own.name}: {drug}", default_source=matching(own, drug) or own.default_source)
        for drug in chosen(own, tables)
    ]


def chosen(cohort: Cohort, tables: Tables) -> Sequence[str]:
    """The drugs to answer for, as the target spells them."""
    if every(tables):
        return cohort.stage("target").drugs
    return list(dict.fromkeys(spelled(cohort, tables).values())) or [cohort.drug]


def spelled(cohort: Cohort, tables: Tables) -> dict[str, str]:
    """{drug as the user wrote it: as the target spells it}, of several drugs. One alone the draft has found already."""
    if every(tables) or len(tables.drugs) < 2:
        return {}
    known = cohort.stage("target").drugs
    return {drug: cells.spelled(drug, known, "drug", str(tables.response)) for drug in tables.drugs}
