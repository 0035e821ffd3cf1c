"""Write a drafted cohort file: one that is known to load, or one whose open points are marked."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from tl_jax.data.chain import Cohort
from tl_jax.data.cohort.cohort_file import load_cohort
from tl_jax.data.drafts.draft import Draft, Wishes, draft_cohort
from tl_jax.data.drafts.points import in_flags
from tl_jax.data.drafts.toml_text import cohort_toml
from tl_jax.data.drugs.names import same_drug, taken_for
from tl_jax.data.tables.losses import heard
from tl_jax.errors import InputError
from tl_jax.system.files import write_atomic

OPEN = "OPEN: "


@dataclass(frozen=True)
class Written:
    """lines: what to tell the user. open: what is to be settled before the file loads; empty where it does. cohort: as
    loaded from the file; None where points are open."""

    lines: list[str]
    open: list[str]
    cohort: Cohort | None = None


def write_cohort(
    out: Path, folder: Path, expression: Path, response: Path, annotation: Path | None, wishes: Wishes
) -> Written:
    """Draft, load and write; what to tell the user.

    Where the tables leave points open the draft is written with these at its top, and with "?" where an answer is
    missing; it does not load before they are settled. InputError, and no file, for files that cannot be read.
    """
    with heard() as told:
        draft = draft_cohort(folder, expression, response, annotation, wishes)
        cohort = None if draft.open else _checked(draft, folder, (expression, response))
        own = cohort and matching(cohort, draft.content["drug"])
        draft.remarks += in_source(cohort, draft.content["drug"]) if cohort else []
        if own:  # the source knows the target's drug: transfer from itself is what one tries first
            draft.content["default_source"] = own
            named = draft.content.get("source_drugs")
            if named is not None and own not in named:
                draft.content["source_drugs"] = [own, *named]
            cohort = loaded(draft, folder)
    draft.remarks += [line for line in told if line not in draft.remarks]
    marked = [*(OPEN + point for point in draft.open), *draft.remarks]
    write_atomic(out, lambda path: path.write_text(cohort_toml(draft.content, marked), encoding="utf-8"))
    lines = [*(f"- {remark}" for remark in draft.remarks), "", *(summary(cohort) if cohort else [])]
    return Written(lines, draft.open, cohort)


def is_open(path: Path) -> bool:
    """Whether a file is a draft with open points, which a further draft may replace."""
    try:
        return path.read_text(encoding="utf-8").startswith(f"# {OPEN}")
    except (OSError, UnicodeDecodeError):
        return False


def _checked(draft: Draft, folder: Path, tables: tuple[Path, Path]) -> Cohort | None:
    """The cohort of the draft; None where a fault of the user's own tables became a further open point."""
    try:
        return loaded(draft, folder)
    except InputError as error:
        for part, path in zip(("expression", "response"), tables, strict=True):
            if str(path) in str(error) or f"{folder / path.name}" in str(error):
                draft.open.append(in_flags(str(error), part))
                return None
        raise


def loaded(draft: Draft, folder: Path) -> Cohort:
    """The cohort of the draft, by way of a file."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "draft.toml"
        file.write_text(cohort_toml(draft.content, draft.remarks), encoding="utf-8")
        try:
            return load_cohort(file, folder)
        except InputError as error:
            raise InputError(
                f"the drafted cohort does not load: {str(error).replace(str(file), 'the draft')}"
            ) from error


def matching(cohort: Cohort, drug: str) -> str | None:
    """The source's own name of the target's drug; None without a source or where it was not measured."""
    return same_drug(drug, cohort.domains[0].drugs) if len(cohort.domains) > 1 else None


def in_source(cohort: Cohort, drug: str) -> list[str]:
    """A line where the source calls the target's drug otherwise."""
    own = matching(cohort, drug)
    line = taken_for(drug, own, f"the source {cohort.domains[0].name}") if own else ""
    return [line] if line else []


def summary(cohort: Cohort) -> list[str]:
    """A line for each domain."""
    lines = []
    for domain in cohort.domains:
        drugs = f"{len(domain.drugs)} drug{'s' * (len(domain.drugs) > 1)}"
        lines.append(f"{domain.name}: {len(domain)} samples, {drugs}, {domain.unit}, high = {domain.direction}")
    own = cohort.stage("target").for_drug(cohort.drug)
    return [*lines, f"{len(cohort.genes):,} genes shared; {len(own)} samples of the target have {cohort.drug}"]
