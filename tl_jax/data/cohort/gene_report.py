"""How the genes of a chain match: for each domain, what became of its names, and what is shared or lost."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from tl_jax.data.chain import Cohort
from tl_jax.data.genes import names as g
from tl_jax.data.genes.names import GeneNames, translate
from tl_jax.data.tables.cells import examples

FATES = (g.CURRENT, g.RENAMED, g.BY_ID, g.VERSION, g.ORTHOLOG, g.DATE, g.WRITTEN, g.AMBIGUOUS, g.TAKEN, g.NOT_FOUND)
COLUMNS = ("domain", "gene_ids", "kind", "genes", *(f.replace(" ", "_") for f in FATES), "together")
COLUMNS += ("kept", "dropped", "unmeasured", "shared", "shared_auto", "examples")


def gene_report(cohort: Cohort) -> pd.DataFrame:
    """One row for each domain of a cohort that was read from tables; no rows for a simulated one.

    gene_ids: as the cohort file says; kind: what the names are (see gene_names.KINDS). genes: columns of the table.
    current to not_found: names by their fate; where gene_ids is "given" no name was changed, and these say what "auto"
    would do. together: columns that became part of another column. kept, dropped: the domain's own genes in and out of
    the chain; unmeasured: genes of the chain that it lacks and that were filled in. shared: genes that every domain
    measures; shared_auto: the same if gene_ids were "auto" for every domain. examples: of changed and unresolved names.
    """
    named, kept = cohort.gene_names, set(cohort.genes.tolist())
    auto = {name: translate(one.given) for name, one in named.items()}
    shared, shared_auto = _shared(named), _shared(auto)
    rows = []
    for domain in cohort.domains if named else ():
        one = named[domain.name]
        seen = auto[domain.name] if one.asked == g.GIVEN else one
        own = set(one.names)
        counts = [seen.count[fate] for fate in FATES]
        unlike = seen.examples(g.RENAMED, g.DATE, g.WRITTEN, g.BY_ID, g.ORTHOLOG)[:3]
        unlike += seen.examples(g.AMBIGUOUS)[:2] + seen.examples(g.TAKEN)[:2] + seen.examples(g.NOT_FOUND)[:2]
        first = (domain.name, one.asked, seen.kind, len(one.given), *counts, len(one.given) - len(own))
        last = (len(own & kept), len(own - kept), len(domain.unmeasured), shared, shared_auto, "; ".join(unlike))
        rows.append((*first, *last))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def gene_lines(cohort: Cohort, report: pd.DataFrame) -> list[str]:
    """What a user should know of the genes before an experiment; few lines, none where all is plain.

    report: of gene_report.
    """
    lines, rows = [], report.to_dict("records")
    for row in rows:
        if row["gene_ids"] != g.GIVEN:
            lines.append(_translated(row))
        if row["unmeasured"]:
            lines.append(
                f"genes of {row['domain']}: {row['unmeasured']:,} of {len(cohort.genes):,} are not measured there and "
                "count as average (missing_genes = 'train_mean')"
            )
        dates = sorted(name for name in cohort.gene_names[row["domain"]].names if g.is_date(name))
        if dates:
            lines.append(f"genes of {row['domain']}: {len(dates)} names are dates, as Excel makes: {examples(dates)}")
    if rows and rows[0]["shared_auto"] > rows[0]["shared"]:
        now, then = rows[0]["shared"], rows[0]["shared_auto"]
        lines.append(
            f"gene names: {then - now:,} more genes would be shared ({then:,} instead of {now:,}) with "
            "gene_ids = 'auto' in every [domain.expression]; docs/genes.md"
        )
    return lines


def _translated(row: dict) -> str:
    changed = sum(row[f.replace(" ", "_")] for f in (g.RENAMED, g.BY_ID, g.ORTHOLOG, g.DATE, g.WRITTEN))
    left = row["ambiguous"] + row["taken"] + row["not_found"]
    if row["kind"] == g.UNKNOWN:
        return f"genes of {row['domain']}: the {row['genes']:,} names are of no known kind and stay as they are"
    return (
        f"genes of {row['domain']}: kind {row['kind']}, {changed:,} of {row['genes']:,} names became current symbols, "
        f"{left:,} stay unresolved ({row['ambiguous']:,} ambiguous, {row['taken']:,} beside their gene, "
        f"{row['not_found']:,} unknown)"
    )


def _shared(named: Mapping[str, GeneNames]) -> int:
    sets = [set(one.names) for one in named.values()]
    return len(set.intersection(*sets)) if sets else 0
