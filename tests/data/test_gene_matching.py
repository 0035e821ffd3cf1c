"""Genes of a chain whose tables name them in different ways, and genes that some domain lacks."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tl_jax.data.cohort.cohort_file import SHIPPED, load_cohort
from tl_jax.data.cohort.gene_report import gene_lines, gene_report
from tl_jax.data.cohort.genes import align_domains
from tl_jax.data.cohort.tables import read_expression, read_for_model
from tl_jax.data.domain import Domain
from tl_jax.data.genes.table import lookup, rows
from tl_jax.data.preprocessing.preprocess import Preprocess
from tl_jax.data.scaling.scaling import fit_scaler
from tl_jax.errors import InputError

PICKED = [row for row in rows()[1] if row[1] and "|" not in row[2] and row[2] and row[4] and row[0][0] in "KM"]
ALIAS = {}
for _row in PICKED:
    _own = [a for a in _row[4].split("|") if lookup("symbol").one.get(a) == _row[0]]
    if _own and lookup("ensembl").one.get(_row[2]) == _row[0]:
        ALIAS[_row[0]] = _own[0]
SYMBOLS = list(ALIAS)[:60]
IDS = {row[0]: row[2] + ".4" for row in PICKED}


@pytest.fixture(name="named")
def named_tables(load):
    """Load the user's own cohort with other gene names: named(lines, patients, *changes of the file)."""
    folder = load.folder

    def loaded(lines, patients, *changes, times=1):
        for file, names in (("lines.csv", lines), ("patients.csv", patients)):
            frame = pd.read_csv(folder / f"{file}.as_written", index_col=0) * times
            renamed = dict(zip([f"G{i:02d}" for i in range(60)], names, strict=True))
            frame.rename(index=renamed, columns=renamed).to_csv(folder / file)
        return load(('marker = "G01"', f'marker = "{lines[1]}"'), *changes)

    for file in ("lines.csv", "patients.csv"):
        (folder / f"{file}.as_written").write_bytes((folder / file).read_bytes())
    return loaded


def asked(file: str, *keys: str) -> tuple[str, str]:
    """A change of the cohort file: keys for the table of expression in a file."""
    return f'path = "{file}"', "\n".join([f'path = "{file}"', *keys])


def same(one, other):
    for a, b in zip(one.domains, other.domains, strict=True):
        for name in ("x", "y", "samples", "genes"):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name), strict=True)


@pytest.mark.parametrize("ids", ["auto", "ensembl", "symbol"])
def test_a_translated_table_is_the_table_under_its_symbols(named, ids):
    plain = named(SYMBOLS, SYMBOLS)
    names = [ALIAS[s] if ids == "symbol" else IDS[s] for s in SYMBOLS]
    found = named(SYMBOLS, names, asked("patients.csv", f'gene_ids = "{ids}"'))
    same(found, plain)
    assert found.gene_names["patients"].changed == 60
    assert found.marker == plain.marker == SYMBOLS[1]


def test_a_first_table_of_ids_helps_to_read_the_second(named):
    both = [asked(file, 'gene_ids = "auto"') for file in ("lines.csv", "patients.csv")]
    same(named([IDS[s] for s in SYMBOLS], [ALIAS[s] for s in SYMBOLS], *both), named(SYMBOLS, SYMBOLS))


def test_the_marker_follows_its_gene(named):
    both = [asked(file, 'gene_ids = "auto"') for file in ("lines.csv", "patients.csv")]
    found = named([ALIAS[s] for s in SYMBOLS], SYMBOLS, *both)
    assert found.marker == SYMBOLS[1]


def test_names_stay_unless_asked_and_a_line_says_what_would_be_gained(named):
    mixed = [*SYMBOLS[:55], *(ALIAS[s] for s in SYMBOLS[55:])]
    found = named(SYMBOLS, mixed)
    assert set(found.genes) == set(SYMBOLS[:55])
    report = gene_report(found)
    assert list(report["shared"]) == [55, 55]
    assert list(report["shared_auto"]) == [60, 60]
    assert list(report["renamed"]) == [0, 5]
    assert list(report["kept"]) == [55, 55]
    assert list(report["dropped"]) == [5, 6]  # OTHER too
    (line,) = gene_lines(found, report)
    assert line.startswith("gene names: 5 more genes would be shared (60 instead of 55) with gene_ids = 'auto'")


def test_nothing_is_said_of_names_of_no_kind(load):
    cohort = load()
    assert gene_lines(cohort, gene_report(cohort)) == []


def test_dates_are_pointed_out(named):
    found = named(SYMBOLS, [*SYMBOLS[:58], "1-Mar", "Sep-07"], asked("patients.csv", 'gene_ids = "auto"'))
    lines = gene_lines(found, gene_report(found))
    assert "genes of patients: 1 names are dates, as Excel makes: '1-Mar'" in lines  # SEPTIN7 alone was Sep-07
    assert "SEPTIN7" in found.gene_names["patients"].names


def test_names_of_another_kind_are_refused(named):
    with pytest.raises(InputError, match=r"patients.csv: gene_ids is 'ensembl', and 0 of its 61 .*look like 'symbol'"):
        named(SYMBOLS, SYMBOLS, asked("patients.csv", 'gene_ids = "ensembl"'))
    with pytest.raises(InputError, match=r"gene_ids is 'mouse_symbol', and \d of its .*; write gene_ids = 'given'"):
        named(SYMBOLS, [f"G{i:02d}" for i in range(60)], asked("patients.csv", 'gene_ids = "mouse_symbol"'))
    with pytest.raises(InputError, match="key 'gene_ids' is 'entrz'; write one of given, auto"):
        named(SYMBOLS, SYMBOLS, asked("patients.csv", 'gene_ids = "entrz"'))


def test_ids_of_one_gene_are_one_column_as_the_file_says(tmp_path):
    twice = sorted(name for name, gene in lookup("ensembl").one.items() if gene == "HLA-DRB1")[:2]
    names = [*(IDS[s] for s in SYMBOLS), *twice]
    counts = pd.DataFrame(np.arange(1, 1 + 2 * len(names)).reshape(2, -1), index=["a", "b"], columns=names)
    path = tmp_path / "counts.csv"
    counts.to_csv(path)
    options = {"orientation": "samples", "gene_ids": "auto"}
    with pytest.raises(InputError, match=r"1 genes have several columns, such as HLA-DRB1: 'ENSG.*or 'sum' for counts"):
        read_expression(path, **options)
    for how, function in (("mean", "mean"), ("sum", "sum")):
        x, _, genes = read_expression(path, duplicate_genes=how, **options)
        assert len(genes) == 61
        own = getattr(counts[twice], function)(axis=1)
        np.testing.assert_array_equal(x[:, list(genes).index("HLA-DRB1")], own.to_numpy())


def test_sums_are_for_counts(named):
    with pytest.raises(InputError, match=r"duplicate_genes = 'sum' without a transform; only counts"):
        named(SYMBOLS, SYMBOLS, asked("patients.csv", 'duplicate_genes = "sum"'))
    keys = asked("patients.csv", 'duplicate_genes = "sum"', 'transform = "log_cpm"')
    with pytest.raises(InputError, match=r"patients.csv: no value exceeds 26 .* look like logarithms"):
        named(SYMBOLS, SYMBOLS, keys)
    named(SYMBOLS, SYMBOLS, keys, times=100)


def test_a_sum_with_a_gap_is_a_gap(tmp_path):
    path = tmp_path / "counts.csv"
    path.write_text("g,a,b\nTP53,1,2\nTP53,,3\nMGMT,4,5\n")
    options = {"orientation": "genes", "duplicate_genes": "sum"}
    with pytest.raises(InputError, match="1 missing values in 1 genes, first in gene 'TP53' of sample 'a'"):
        read_expression(path, **options)


def test_a_model_of_ids_reads_a_table_of_symbols_in_either_orientation(tmp_path):
    wanted = [IDS[s] for s in SYMBOLS]
    frame = pd.DataFrame(np.arange(180.0).reshape(3, 60), index=["a", "b", "c"], columns=SYMBOLS)
    for number, table in enumerate((frame, frame.T)):
        table.to_csv(tmp_path / f"{number}.csv")
        x, samples, genes, names = read_for_model(tmp_path / f"{number}.csv", wanted, gene_ids="auto")
        assert list(genes) == wanted
        assert list(samples) == ["a", "b", "c"]
        assert names.kind == "symbol"
        np.testing.assert_array_equal(x, frame.to_numpy())


def domain(name: str, genes: list[str], seed: int = 0, scaler: str = "standard", n: int = 9) -> Domain:
    x = np.random.default_rng(seed).normal(8, 3, (n, len(genes))).astype(np.float32)
    names = np.array([f"{name}{i}" for i in range(n)])
    y = np.linspace(0, 1, n)[:, None]
    return Domain(name, x, y, names, np.array(genes), ("d",), names, np.full(n, ""), scaler=scaler)


GENES = [f"G{i:03d}" for i in range(120)]


def test_missing_genes_dropped_by_default():
    chain = domain("source", GENES), domain("target", GENES[:90], 1)
    (source, target), coverage = align_domains(chain)
    assert list(source.genes) == list(target.genes) == GENES[:90]
    assert target.unmeasured == ()
    assert coverage == {"source": 0.75, "target": 1.0}


def test_missing_genes_refused():
    chain = domain("source", GENES), domain("target", [*GENES[2:], "OWN"], 1)
    with pytest.raises(InputError, match=r"'target' lacks 2 of the 120 genes of 'source' \('G000', 'G001'\); set mis"):
        align_domains(chain, "error")
    (source, _), _ = align_domains((chain[0], domain("target", [*GENES, "OWN"], 1)), "error")
    assert list(source.genes) == GENES


@pytest.mark.parametrize("scaler", ["standard", "robust"])
@pytest.mark.parametrize("rows_used", [slice(None), [0, 3, 4], [5]])
def test_missing_genes_are_exactly_zero_once_scaled(scaler, rows_used):
    chain = domain("source", GENES, 5, n=31), domain("target", [*GENES[30:][::-1], "OWN"], 1, scaler)
    (source, target), coverage = align_domains(chain, "train_mean")
    assert list(source.genes) == list(target.genes) == GENES
    assert target.unmeasured == tuple(GENES[:30])
    assert source.unmeasured == ()
    assert coverage == {"source": 1.0, "target": 90 / 91}
    filled = ~target.measured
    expected = chain[0].x[:, :30].mean(axis=0, dtype=np.float64)
    np.testing.assert_allclose(target.x[:, filled], np.tile(expected, (9, 1)), rtol=1e-6)
    scaled = fit_scaler(target.x[rows_used], scaler).apply(target.x)
    assert (scaled[:, filled] == 0).all()
    np.testing.assert_array_equal(target.x[:, ~filled], chain[1].with_genes(target.genes[~filled]).x)
    assert target.with_genes(np.array(GENES[29:60])).unmeasured == (GENES[29],)
    assert target.rows(np.array([1, 2])).for_drug("d").unmeasured == target.unmeasured


def test_too_many_missing_genes_are_not_filled_in():
    chain = domain("source", GENES), domain("target", GENES[:59], 1)
    with pytest.raises(InputError, match=r"'target' lacks 61 of the 120 genes .* more than half: too many to fill in"):
        align_domains(chain, "train_mean")
    align_domains((chain[0], domain("target", GENES[:60], 1)), "train_mean")


def test_filled_in_genes_and_preprocessing_exclude_each_other():
    """A rank or a batch correction would give constant columns values of their own."""
    target = replace(domain("target", GENES[30:], 1), preprocess=Preprocess(("rank",)))
    with pytest.raises(InputError, match=r"'target' has preprocess steps, .*; set missing_genes = 'drop'"):
        align_domains((domain("source", GENES), target), "train_mean")
    align_domains((domain("source", GENES), replace(target, preprocess=Preprocess())), "train_mean")


def test_missing_genes_in_a_cohort_file(named):
    change = ('drug = "cisplatin"', 'drug = "cisplatin"\nmissing_genes = "train_mean"')
    found = named(SYMBOLS, [*SYMBOLS[:55], "a", "b", "c", "d", "e"], change)
    assert len(found.genes) == 60
    report = gene_report(found)
    assert list(report["unmeasured"]) == [0, 5]
    assert list(report["kept"]) == [60, 55]
    assert "genes of patients: 5 of 60 are not measured there and count as average" in gene_lines(found, report)[0]
    with pytest.raises(InputError, match=r"own.toml: domain 'patients' lacks 5 of the 60 genes of 'lines'"):
        named(SYMBOLS, [*SYMBOLS[:55], "a", "b", "c", "d", "e"], (change[0], change[1].replace("train_mean", "error")))


def test_a_simulated_chain_misses_no_genes(tmp_path):
    (tmp_path / "s.toml").write_text('name = "s"\nmissing_genes = "error"\n[simulate]\ngenes = 60\n')
    with pytest.raises(InputError, match=r"s.toml: key 'missing_genes' changes nothing beside \[simulate\]"):
        load_cohort(tmp_path / "s.toml")


@pytest.mark.slow  # two readings of the real tables; its figures stand in docs/genes.md
def test_real_chain(data_dir, tmp_path):
    """Figures of docs/genes.md: what the nci60 chain gains, and that its default has not moved."""
    text = (SHIPPED / "nci60.toml").read_text()
    plain = load_cohort("nci60", data_dir)
    line = gene_lines(plain, gene_report(plain))[-1]
    assert "64 more genes would be shared (4,497 instead of 4,433)" in line
    (tmp_path / "auto.toml").write_text(text.replace("orientation =", 'gene_ids = "auto"\norientation ='))
    auto = load_cohort(tmp_path / "auto.toml", data_dir)
    assert len(auto.genes) == 4497
    both = sorted(set(plain.genes) & set(auto.genes))
    for a, b in zip(plain.domains, auto.domains, strict=True):
        np.testing.assert_array_equal(a.with_genes(np.array(both)).x, b.with_genes(np.array(both)).x)
