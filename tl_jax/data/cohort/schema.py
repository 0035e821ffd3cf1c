"""The keys of a cohort file: what each may hold, and one-line errors for what it may not.

docs/cohorts.md describes every key for users; this module is its checked form.
"""

from __future__ import annotations

# ruff: noqa: RUF009 - key() only declares a field, so the call has no state to share.
from collections.abc import Callable
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path

from tl_jax.data.cohort.preprocess_keys import check_preprocess
from tl_jax.data.cohort.schema_kinds import KINDS
from tl_jax.data.formats.registry import EXPRESSION, RESPONSE, load, names
from tl_jax.data.genes.names import GENE_IDS
from tl_jax.data.own_scale import RESPONSE_TRANSFORMS
from tl_jax.data.preprocessing.preprocess import UNKNOWN
from tl_jax.data.preprocessing.transforms import TRANSFORMS
from tl_jax.data.tables.cells import nearest, shown
from tl_jax.data.tables.numbers import THOUSANDS_MARKS
from tl_jax.errors import InputError

load()


def expression_formats() -> tuple[str, ...]:
    """Every format of expression that a cohort file may name, those that were registered just now included."""
    return ("table", *names(EXPRESSION))


def response_formats() -> tuple[str, ...]:
    """Every format of drug response that a cohort file may name."""
    return ("long", "wide", *names(RESPONSE))


def key(kind, default=MISSING, choices: tuple[str, ...] | Callable[[], tuple[str, ...]] = ()):
    """A key of the cohort file: its kind (see _value), default (required without one) and allowed values."""
    return field(default=default, metadata={"kind": kind, "choices": choices})


@dataclass(frozen=True, kw_only=True)
class SampleTable:
    """A file with a name per sample, and how those names are cut to the cohort's."""

    path: str = key("text")
    separator: str = key("text", "")
    decimal: str = key("text", "", (".", ","))
    thousands: str = key("text", "", THOUSANDS_MARKS)
    missing: tuple[str, ...] = key("texts", ())
    header_row: int = key("count", 0)
    sheet: str = key("text", "")
    member: str = key("text", "")
    sample_column: str = key("text", "")
    sample_prefix_length: int = key("count", 0)
    sample_pattern: str = key("pattern", "")
    leave_out: str = key("pattern", "")

    @property
    def cuts_names(self) -> bool:
        """Whether several names may fall together on purpose (replicates, which are averaged)."""
        return bool(self.sample_prefix_length or self.sample_pattern)


@dataclass(frozen=True, kw_only=True)
class ExpressionTable(SampleTable):
    """[domain.expression]"""

    format: str = key("text", "table", expression_formats)
    orientation: str = key("text", "auto", ("auto", "samples", "genes"))
    gene_column: str = key("text", "")
    value_column: str = key("text", "")
    filter: dict | None = key("filter", None)
    ignore_columns: tuple[str, ...] = key("texts", ())
    layer: str = key("text", "")
    pool_by: str = key("text", "")
    date_names: str = key("text", "error", ("error", "drop"))
    transform: str = key("text", "none", TRANSFORMS)
    transform_as_published: str = key("text", "", TRANSFORMS)
    gene_ids: str = key("text", "given", GENE_IDS)
    duplicate_genes: str = key("text", "error", ("error", "mean", "sum"))
    duplicate_samples: str = key("text", "error", ("error", "mean"))
    missing_values: str = key("text", "error", ("error", "drop_genes"))

    @property
    def any_transform(self) -> str:
        """What is done to the values under one of the protocols, "none" where nothing is."""
        return self.transform if self.transform != "none" else self.transform_as_published or "none"


@dataclass(frozen=True, kw_only=True)
class ResponseTable(SampleTable):
    """[domain.response] and, for a second measurement, [domain.replicates]"""

    format: str = key("text", "long", response_formats)
    drug_column: str = key("text", "")
    value_column: str = key("text", "")
    drug: str = key("text", "")
    drugs: tuple[str, ...] = key("texts", ())
    drug_id_column: str = key("text", "")
    drug_ids: dict | None = key("filter", None)
    filter: dict | None = key("filter", None)
    duplicates: str = key("text", "error", ("error", "mean"))
    censored: str = key("text", "error", ("error", "clip"))
    transform: str = key("text", "none", RESPONSE_TRANSFORMS)
    unit: str = key("text", "AUC")
    direction: str = key("text", "resistant", ("resistant", "sensitive"))
    optional: bool = key("flag", False)


@dataclass(frozen=True, kw_only=True)
class AnnotationTable(SampleTable):
    """[domain.annotation]"""

    tissue_column: str = key("text", "")
    group_column: str = key("text", "")
    batch_column: str = key("text", "")
    include: dict | None = key("filter", None)
    exclude: dict | None = key("filter", None)


@dataclass(frozen=True, kw_only=True)
class DomainTable:
    """[[domain]]"""

    name: str = key("name")
    scaler: str = key("text", "", ("robust", "standard", "floored", "shrunken"))
    expression: ExpressionTable = key(ExpressionTable)
    response: ResponseTable = key(ResponseTable)
    annotation: AnnotationTable | None = key(AnnotationTable, None)
    replicates: ResponseTable | None = key(ResponseTable, None)
    groups: tuple[tuple[str, ...], ...] = key("lists", ())
    exclude_samples: tuple[str, ...] = key("texts", ())
    preprocess: tuple[str, ...] = key("texts", ())
    combat_reference: str = key("text", "")
    combat_unknown: str = key("text", "", UNKNOWN)
    low_expression_below: float | None = key("number", None)
    low_expression_share: float | None = key("number", None)


@dataclass(frozen=True, kw_only=True)
class CohortTable:
    """The whole file. It holds [[domain]] tables, or one [simulate] table."""

    name: str = key("name")
    title: str = key("text", "")
    drug: str = key("text", "")
    source_drugs: tuple[str, ...] = key("texts", ())
    default_source: str = key("text", "")
    marker: str = key("text", "")
    fetch: tuple[str, ...] = key("texts", ())
    missing_genes: str = key("text", "drop", ("drop", "error", "train_mean"))
    domain: tuple[DomainTable, ...] = key("domains", ())
    simulate: dict | None = key("parameters", None)


def parse_cohort(content: dict, file: Path) -> CohortTable:
    """The checked form of a parsed TOML file; InputError naming the file and the key otherwise."""
    cohort = _parse(CohortTable, content, "the cohort", file)
    if (cohort.simulate is None) == (not cohort.domain):
        raise InputError(f"{file} needs either [[domain]] tables, from the source to the target, or one [simulate]")
    if cohort.simulate is None and not cohort.drug:
        raise InputError(f"{file} lacks the key 'drug': the drug measured in the last domain")
    if cohort.drug == "?":  # how a draft writes what its user must settle
        raise InputError(f"{file}: key 'drug' is '?': the draft has open points, which its first lines name")
    names = [d.name for d in cohort.domain]
    repeated = [n for n in names if names.count(n) > 1]
    if repeated:
        raise InputError(f"{file}: two domains are named '{repeated[0]}'; give each its own name")
    return cohort


def _parse(cls: type, table, where: str, file: Path):
    """One dataclass from one TOML table."""
    if not isinstance(table, dict):
        raise InputError(f"{file}: {where} must be a table of keys, not {shown(repr(table))}")
    known = {f.name: f for f in fields(cls)}
    for name in table:
        if name not in known:
            raise InputError(f"{file}: {where} has an unknown key '{shown(name)}'; {nearest(name, known)}")
    for name, one in known.items():
        if name not in table and one.default is MISSING:
            raise InputError(f"{file}: {where} lacks the key '{name}'; see docs/cohorts.md")
    return cls(**{n: _value(v, known[n].metadata, f"{where}: key '{n}'", file) for n, v in table.items()})


def _value(value, rules, where: str, file: Path):
    """A checked value: kinds are the names below, or a dataclass for a table within."""
    kind = rules["kind"]
    if isinstance(kind, type):
        part = where.rsplit("'", 2)[1]
        return _parse(kind, value, where.replace(f": key '{part}'", f", [domain.{part}]"), file)
    if kind == "domains":
        if not isinstance(value, list):
            raise InputError(f"{file}: write [[domain]] with two brackets, once for each domain")
        return tuple(_domain(v, i, file) for i, v in enumerate(value))
    allowed, wording, convert = KINDS[kind]
    if not allowed(value):
        raise InputError(f"{file}: {where} must be {wording}, not {shown(repr(value))}")
    choices = rules["choices"]() if callable(rules["choices"]) else rules["choices"]
    if choices and value not in choices:
        raise InputError(f"{file}: {where} is '{shown(value)}'; write one of {', '.join(choices)}")
    return convert(value)


def _domain(table, index: int, file: Path) -> DomainTable:
    """A [[domain]], the presets of its formats filled in and the replicates completed from the response."""
    name = table.get("name", index + 1) if isinstance(table, dict) else index + 1
    where = f"domain '{name}'"
    if isinstance(table, dict) and isinstance(table.get("response"), dict):
        known = RESPONSE.get(str(table["response"].get("format")))
        response = {**(known.presets if known else {}), **table["response"]}
        table = {**table, "response": response}
        if isinstance(table.get("replicates"), dict):
            table["replicates"] = {**response, **table["replicates"]}
    domain = _parse(DomainTable, table, where, file)
    _check_expression(domain.expression, where, file)
    for part in filter(None, (domain.response, domain.replicates)):
        _check_response(part, where, file)
    if domain.annotation and not domain.annotation.sample_column:
        raise InputError(f"{file}: {where}, [domain.annotation] lacks the key 'sample_column'; see docs/cohorts.md")
    check_preprocess(domain, where, file)
    return domain


def _check_expression(expression: ExpressionTable, where: str, file: Path) -> None:
    if expression.duplicate_genes == "sum" and "none" in (expression.transform, expression.transform_as_published):
        message = f"{where}, [domain.expression] has duplicate_genes = 'sum' without a transform"
        raise InputError(f"{file}: {message}; only counts are added up, so set a transform or duplicate_genes = 'mean'")


def _check_response(response: ResponseTable, where: str, file: Path) -> None:
    known = RESPONSE.get(response.format)
    long = ("sample_column", "drug_column", "value_column")
    needed = ("sample_column",) if response.format == "wide" else () if known and known.wide else long
    for name in needed:
        if not getattr(response, name):
            message = f"[domain.response] of format '{response.format}' lacks the key '{name}'"
            raise InputError(f"{file}: {where}, {message}; see docs/cohorts.md")
    if response.drug_ids and not response.drug_id_column:
        raise InputError(f"{file}: {where}, [domain.response] has drug_ids and lacks the key 'drug_id_column'")
