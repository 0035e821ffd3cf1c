"""From a cohort file (TOML) and the tables it names to a Cohort; docs/cohorts.md describes the keys."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

from tl_jax.data.chain import Cohort
from tl_jax.data.cohort.domain_tables import TableReader, load_domain
from tl_jax.data.cohort.genes import align_domains
from tl_jax.data.cohort.schema import CohortTable, parse_cohort
from tl_jax.data.cohort.targets import Targets
from tl_jax.data.domain import Domain
from tl_jax.data.genes.names import GeneNames, translate
from tl_jax.data.seen import with_spreads
from tl_jax.data.tables.cells import spelled
from tl_jax.data.tables.raw_tables import find_file
from tl_jax.errors import InputError

SHIPPED = Path(__file__).resolve().parents[2] / "cohorts"


def shipped_cohorts() -> list[str]:
    """Names of the cohorts that come with the package."""
    return sorted(p.stem for p in SHIPPED.glob("*.toml"))


def load_cohort(
    name_or_path: str | Path,
    data_dir: str | Path | None = None,
    protocol: str = "honest",
    targets: Targets | None = None,
    drug: str | None = None,
) -> Cohort:
    """A shipped cohort by name, or a user's own by the path of its .toml file.

    Args:
        name_or_path: such as "simulated", or "my_cohort.toml" (docs/cohorts.md says what stands in it).
        data_dir: folder of the tables; None: that of the environment variable TLJAX_DATA. Paths in the file are
            relative to it.
        protocol: "as_published" uses transform_as_published where the file gives one; no other protocol does.
        targets: responses of the target to read instead of its own; the cohort's drug is then the first of them.
        drug: the drug to judge in place of the file's, any that its last domain holds.

    Returns:
        Cohort: domains in chain order, x (n, genes) float32, all on the genes that they share, sorted. Samples are
        sorted too, so the order of rows and columns in the files changes nothing.

    Raises:
        InputError: any fault of the file or its tables, in one line that names file, column or sample.
    """
    file = _cohort_path(str(name_or_path))
    table = parse_cohort(_toml(file), file)
    if targets is not None:
        table = replace(targets.put_into(table, file), drug="")
    if table.simulate is not None:
        return _for_drug(_simulated(table, file), drug)
    reader = TableReader(data_dir, file, table.fetch)
    return _for_drug(cohort_of(table, reader, protocol, file), drug)


def cohort_of(table: CohortTable, reader: TableReader, protocol: str, file: Path) -> Cohort:
    """The cohort that a parsed file describes, its tables taken from a reader; file: named in errors."""
    domains: list[Domain] = []
    names: dict[str, GeneNames] = {}
    for part in table.domain:
        # Names by which the orientation of the next table is recognised.
        known_genes = {table.marker, *(str(g) for d in domains for g in d.genes)} - {""}
        domain, names[part.name] = load_domain(part, reader, protocol, known_genes)
        domains.append(domain)
    if not table.drug:  # the responses are others than the file's own
        table = replace(table, drug=domains[-1].drugs[0])
    return replace(with_spreads(_assemble(table, domains, file)), gene_names=names)


def shipped_content(name: str) -> dict:
    """The content of a shipped cohort's file, unchecked."""
    return _toml(_cohort_path(name))


def _for_drug(cohort: Cohort, drug: str | None) -> Cohort:
    """The cohort with another of its target's drugs to judge, in the target's own spelling."""
    if drug is None:
        return cohort
    target = cohort.stage("target")
    return replace(cohort, drug=spelled(drug, target.drugs, "drug", f"domain {target.name}"))


def _cohort_path(name: str) -> Path:
    if name.endswith(".toml"):
        return find_file(name)
    if name not in shipped_cohorts():
        known = ", ".join(shipped_cohorts())
        raise InputError(f"unknown cohort '{name}'; shipped are: {known}; a file of your own must end in .toml")
    return SHIPPED / f"{name}.toml"


def _toml(file: Path) -> dict:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is not UTF-8 text (byte {error.start}); save it again as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{file} is not valid TOML: {error}; correct that line") from error
    except RecursionError as error:
        raise InputError(f"{file} is nested too deeply for a cohort file; see docs/cohorts.md") from error
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror or error}; check its permissions") from error


def _simulated(table: CohortTable, file: Path) -> Cohort:
    from tl_jax.data.cohort.simulate import simulate

    ignored = [name for name in ("drug", "source_drugs", "default_source", "marker") if getattr(table, name)]
    ignored += ["missing_genes"] if table.missing_genes != "drop" else []
    if ignored:
        raise InputError(f"{file}: key '{ignored[0]}' changes nothing beside [simulate]; remove it")
    try:
        cohort, _ = simulate(**{"name": table.name, **table.simulate})
    except (TypeError, InputError) as error:
        raise InputError(f"{file}: [simulate] does not fit: {error}") from error
    return replace(cohort, title=table.title) if table.title else cohort


def _assemble(table: CohortTable, domains: list[Domain], file: Path) -> Cohort:
    try:
        aligned, coverage = align_domains(domains, table.missing_genes)
    except InputError as error:
        raise InputError(f"{file}: {error}") from error
    source, target = aligned[0], aligned[-1]
    try:
        names = [source.drugs[source.column(d)] for d in table.source_drugs or source.drugs]
        default = source.drugs[source.column(table.default_source)] if table.default_source else names[0]
        drug = target.drugs[target.column(table.drug)]
    except InputError as error:
        raise InputError(f"{file}: source_drugs, default_source or drug: {error}") from error
    if default not in names:
        raise InputError(f"{file}: default_source '{default}' is not among source_drugs; add it there")
    marker = _marker(table.marker, aligned[-1])
    return Cohort(table.name, table.title or table.name, aligned, tuple(names), default, drug, marker, coverage)


def _marker(name: str, target: Domain) -> str:
    """The marker as the target names it: by its current symbol where the genes were translated."""
    if not name or name in target.genes:
        return name
    (current,) = translate([name], "symbol").names
    return current if current in target.genes else name
