"""Write a drafted cohort file, once it is known to load."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tl_jax.data.chain import Cohort
from tl_jax.data.cohort.cohort_file import load_cohort
from tl_jax.data.drafts.draft import Draft, Wishes, draft_cohort
from tl_jax.data.drafts.toml_text import cohort_toml
from tl_jax.errors import InputError
from tl_jax.system.files import write_atomic


def write_cohort(
    out: Path, folder: Path, expression: Path, response: Path, annotation: Path | None, wishes: Wishes
) -> list[str]:
    """Draft, load and write; what to tell the user. InputError, and no file, where the draft does not load."""
    draft = draft_cohort(folder, expression, response, annotation, wishes)
    cohort = loaded(draft, folder)
    own = matching(cohort, draft.content["drug"])
    if own:  # the source knows the target's drug: transfer from itself is what one tries first
        draft.content["default_source"] = own
        named = draft.content.get("source_drugs")
        if named is not None and own not in named:
            draft.content["source_drugs"] = [own, *named]
        cohort = loaded(draft, folder)
    write_atomic(out, lambda path: path.write_text(cohort_toml(draft.content, draft.remarks), encoding="utf-8"))
    return [*(f"- {remark}" for remark in draft.remarks), "", *summary(cohort)]


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
    """The source's own spelling of the target's drug; None without a source or where it was not measured."""
    if len(cohort.domains) < 2:
        return None
    return next((d for d in cohort.domains[0].drugs if d.casefold() == drug.casefold()), None)


def summary(cohort: Cohort) -> list[str]:
    """A line for each domain."""
    lines = []
    for domain in cohort.domains:
        drugs = f"{len(domain.drugs)} drug{'s' * (len(domain.drugs) > 1)}"
        lines.append(f"{domain.name}: {len(domain)} samples, {drugs}, {domain.unit}, high = {domain.direction}")
    own = cohort.stage("target").for_drug(cohort.drug)
    return [*lines, f"{len(cohort.genes):,} genes shared; {len(own)} samples of the target have {cohort.drug}"]
