"""Cohorts from pandas frames: what they give where little is said, and one line for each thing that is wrong."""

import inspect
import re

import numpy as np
import pandas as pd
import pytest

import tl_jax as tl
from tl_jax.data.cohort import frame_words

GENES = [f"G{number}" for number in range(60)]


def domain(prefix: str, n: int, genes: list[str], seed: int) -> tuple[pd.DataFrame, pd.Series]:
    rng = np.random.default_rng(seed)
    samples = [f"{prefix}{number}" for number in range(n)]
    x = pd.DataFrame(rng.normal(size=(n, len(genes))), samples, genes)
    return x, pd.Series(rng.random(n), samples, name="TMZ")


@pytest.fixture
def frames():
    """Two domains that share all genes but one of each."""
    return {"source": domain("s", 8, GENES, 0), "target": domain("t", 6, [*GENES[1:], "X"], 1)}


def same(one: tl.Cohort, other: tl.Cohort) -> bool:
    """Whether two cohorts hold the same numbers under the same names."""
    fields = ("x", "y", "samples", "genes", "drugs", "groups", "tissue", "unit", "direction", "scaler")
    return all(
        np.array_equal(getattr(a, field), getattr(b, field), equal_nan=field == "y")
        for a, b in zip(one.domains, other.domains, strict=True)
        for field in fields
    )


def test_two_frames_and_nothing_else(frames):
    cohort = tl.Cohort.from_frames(frames)
    source, target = cohort.domains
    x, y = frames["target"]
    assert list(target.genes) == sorted(GENES[1:]) == list(source.genes)
    assert target.x.dtype == np.float32
    np.testing.assert_array_equal(target.x, x.loc[target.samples, target.genes].to_numpy(np.float32))
    np.testing.assert_array_equal(target.response, y.loc[target.samples])
    assert (cohort.name, cohort.drug, cohort.default_source, cohort.source_drugs) == ("frames", "TMZ", "TMZ", ("TMZ",))
    assert {(one.unit, one.direction, one.scaler) for one in cohort.domains} == {("AUC", "resistant", "standard")}
    assert list(target.groups) == list(target.samples)
    assert set(target.tissue) == {""}
    assert cohort.marker == ""
    assert cohort.coverage == {"source": pytest.approx(59 / 60), "target": pytest.approx(59 / 60)}


def test_the_order_of_rows_genes_and_notes_changes_nothing(frames):
    groups = {"target": pd.Series(["p", "p", "q"], ["t0", "t3", "t5"])}
    given = tl.Cohort.from_frames(frames, groups=groups)
    shuffled = {
        name: (
            x.sample(frac=1, random_state=2).sample(frac=1, axis=1, random_state=3),
            y.sample(frac=1, random_state=4),
        )
        for name, (x, y) in frames.items()
    }
    assert same(given, tl.Cohort.from_frames(shuffled, groups={"target": groups["target"][::-1]}))
    shuffled["target"][1].iloc[0] += 1
    assert not same(given, tl.Cohort.from_frames(shuffled, groups=groups))


def test_the_frames_stay_as_they_are(frames):
    before = {name: (x.copy(), y.copy()) for name, (x, y) in frames.items()}
    tl.Cohort.from_frames(frames, groups={"target": pd.Series(["p"], ["t0"])})
    for name, (x, y) in before.items():
        pd.testing.assert_frame_equal(frames[name][0], x)
        pd.testing.assert_series_equal(frames[name][1], y)


def test_what_is_said_for_all_or_by_domain(frames):
    tissue = {"source": pd.Series("skin", frames["source"][0].index)}
    cohort = tl.Cohort.from_frames(
        frames,
        unit={"target": "IC50"},
        direction="sensitive",
        scaler={"source": "robust"},
        groups={"target": pd.Series(["p", "p", None, 2.0], ["t0", "t3", "t4", "t5"])},
        tissue=tissue,
        name="mine",
        title="My two laboratories",
    )
    source, target = cohort.domains
    assert (source.unit, target.unit) == ("AUC", "IC50")
    assert source.direction == target.direction == "sensitive"
    assert (source.scaler, target.scaler) == ("robust", "standard")
    assert list(target.groups) == ["p", "t1", "t2", "p", "t4", "2"]  # without a note a sample is its own group
    assert set(source.tissue) == {"skin"}
    assert set(target.tissue) == {""}
    assert (cohort.name, cohort.title) == ("mine", "My two laboratories")


def test_many_drugs_with_gaps(frames):
    x, y = frames["source"]
    many = pd.DataFrame({"TMZ": y, "Cisplatin": y + 1})
    many.loc["s2", "Cisplatin"] = np.nan
    cohort = tl.Cohort.from_frames(
        {**frames, "source": (x, many)}, source_drugs=["cisplatin"], default_source="cisplatin"
    )
    assert cohort.source_drugs == ("Cisplatin",)
    assert cohort["source"].drugs == ("Cisplatin", "TMZ")  # by name
    assert list(cohort["source"].for_drug("Cisplatin").samples) == [f"s{number}" for number in (0, 1, 3, 4, 5, 6, 7)]
    x, y = frames["target"]
    chosen = tl.Cohort.from_frames({**frames, "target": (x, pd.DataFrame({"A": y, "B": 2 * y}))}, drug="b")
    assert chosen.drug == "B"


def test_a_series_without_a_name_and_samples_that_are_numbers(frames):
    x, y = frames["target"]
    x, y = x.set_axis(range(6)), y.set_axis([0.0, 1, 2, 3, 4, 9]).rename(None)
    unnamed = {**frames, "target": (x, y)}
    assert tl.Cohort.from_frames(unnamed).drug == "response"
    cohort = tl.Cohort.from_frames(unnamed, drug="Temozolomide")
    assert cohort.drug == "Temozolomide"
    assert list(cohort["target"].samples) == ["0", "1", "2", "3", "4"]  # in both tables


def test_a_gene_may_be_called_sample(frames):
    named = {role: (x.rename(columns={"G7": "sample"}), y) for role, (x, y) in frames.items()}
    cohort = tl.Cohort.from_frames(named)
    column = list(cohort.genes).index("sample")
    np.testing.assert_array_equal(cohort["source"].x[:, column], named["source"][0]["sample"].to_numpy(np.float32))


def test_one_domain_or_a_chain_of_three(frames):
    assert tl.Cohort.from_frames({"target": frames["target"]}).stage("target").name == "target"
    chain = {"source": frames["source"], "between": domain("b", 7, GENES, 2), "target": frames["target"]}
    assert tl.Cohort.from_frames(chain)["intermediate"].name == "between"


def test_further_keys_of_a_cohort_file(frames):
    x, y = frames["target"]
    x.loc["t1", "G4"] = np.nan
    cohort = tl.Cohort.from_frames(frames, expression={"missing_values": "drop_genes"})
    assert "G4" not in cohort.genes
    kept = tl.Cohort.from_frames({**frames, "target": (x.drop(columns="G4"), y)}, missing_genes="train_mean")
    assert set(kept["target"].unmeasured) == {"G0", "G4"}


def edited(role, x=None, y=None):
    """A change of one frame of the good pair of domains."""
    unchanged = lambda frame: frame  # noqa: E731
    return lambda f: {**f, role: ((x or unchanged)(f[role][0]), (y or unchanged)(f[role][1]))}


def put(value, row, column=None):
    """A function that writes one cell."""

    def change(frame):
        frame = frame.astype(object)
        frame.loc[row if column is None else (row, column)] = value
        return frame

    return change


BAD_FRAMES = [
    (
        edited("target", x=lambda x: pd.concat([x, x.loc[["t2"]]])),
        r"expression of 'target': sample 't2' occurs 2 times; .* pass expression=\{'duplicate_samples': 'mean'\}",
    ),
    (
        edited("target", y=lambda y: pd.concat([y, 2 * y[["t2"]]])),
        "response of 'target': sample 't2' has 2 rows; keep one, or average them$",
    ),
    (
        edited("source", x=lambda x: pd.concat([x, x[["G5"]]], axis=1)),
        r"expression of 'source': gene 'G5' occurs 2 times; keep one column .* pass expression=\{'duplicate_gen",
    ),
    (edited("target", x=lambda x: x.rename(columns={"G1": "1-Mar"})), r"or expression=\{'date_names': 'drop'\}"),
    (edited("target", x=lambda x: x.rename(index={"t1": "a\tb"})), "spans lines or fields; rename it"),
    (edited("target", x=lambda x: x.rename(columns={"G1": None})), "column 1 has no name"),
    (edited("target", y=lambda y: pd.concat([y, y], axis=1)), "response of 'target' has the column 'TMZ' twice"),
    (edited("target", x=put(np.nan, "t3", "G8")), "expression of 'target': 1 missing .*gene 'G8' of sample 't3'"),
    (edited("target", x=put(np.inf, "t3", "G8")), "expression of 'target': 1 infinite .*column 'G8', row 't3'"),
    (edited("target", x=put("low", "t3", "G8")), "expression of 'target': 'low' in column 'G8', row 't3' is not a num"),
    (edited("source", y=put("low", "s4")), "response of 'source': 'low' in column 'TMZ', row 's4' is not a number"),
    (edited("target", y=lambda y: y * np.nan), "response of 'target': the samples of domain 'target' have no respon"),
    (edited("target", x=lambda x: x.add_prefix("ENSG")), "share 0 genes.*source has 60: 'G0'.*target has 60: 'ENSG"),
    (edited("target", y=lambda y: y.add_prefix("q")), "domain 'target': no sample has both .*'t0'.*'qt0'"),
    (
        edited("target", x=lambda x: x.set_axis(["t0", None, *x.index[2:]])),
        "expression of 'target': the sample name",
    ),
    (edited("target", x=lambda x: x.iloc[:0]), "expression of 'target' has the shape 0 x 60"),
    (edited("target", x=lambda x: pd.concat({"a": x})), "expression of 'target' has several levels"),
    (edited("target", x=lambda x: x.to_numpy()), "expression of 'target' is of type ndarray; give a DataFrame"),
    (edited("source", y=list), "response of 'source' is of type list; give a Series"),
    (lambda f: {**f, "target": f["target"][0]}, "domain 'target' needs a pair"),
    (lambda f: list(f.values()), "give a dictionary such as"),
    (lambda f: {}, "give a dictionary such as"),
    (edited("target", y=lambda y: pd.DataFrame({"A": y, "B": y})), r"2 drugs \(A, B\); name one as drug="),
]


@pytest.mark.parametrize(("change", "line"), BAD_FRAMES, ids=[line[:40] for _, line in BAD_FRAMES])
def test_bad_frames_are_named_in_one_line(frames, change, line):
    with pytest.raises(tl.InputError, match=line) as error:
        tl.Cohort.from_frames(change(frames))
    in_words_of_frames(str(error.value))


def in_words_of_frames(text: str):
    """One line that sends nobody to a cohort file: it speaks of frames and of arguments that from_frames has."""
    assert "\n" not in text
    assert not re.search(r"\[domain|the cohort:|in quotes|filter|cohort file|\bset \w+|\bwrite \w+ = |\w+ = '", text), (
        text
    )
    assert text.startswith(("Cohort.from_frames", "expression of", "response of", "domain '"))
    arguments = inspect.signature(tl.Cohort.from_frames).parameters
    assert set(re.findall(r"\b(\w+)=", text)) <= set(arguments), text
    assert set(re.findall(r"expression=\{'(\w+)'", text)) <= set(frame_words.KEYS), text


NOTE = pd.Series(["p", "q"], ["t0", "t1"])


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"unit": {"targt": "IC50"}}, "unit names the domain 'targt'; there are: source, target"),
        ({"groups": {"patients": NOTE}}, "groups names the domain 'patients'"),
        ({"groups": NOTE}, "groups is of type Series; give {domain: Series by sample}"),
        ({"tissue": "skin"}, "tissue is of type str"),
        ({"groups": {"target": ["p"]}}, "groups of 'target' is of type list"),
        ({"groups": {"source": NOTE}}, "groups of 'source' names none of its samples; it names 't0', 't1'"),
        ({"groups": {"target": pd.concat([NOTE, NOTE])}}, "groups of 'target' names the sample 't0' twice"),
        ({"unit": 3}, "unit of 'source' must be a text, not 3"),
        ({"direction": "up"}, "direction of 'source' is 'up'; write one of resistant, sensitive"),
        ({"scaler": "minmax"}, "scaler of 'source' is 'minmax'"),
        ({"drug": "aspirin"}, "drug names 'aspirin'; the response of 'target' has: TMZ"),
        ({"drug": ""}, "drug names ''"),
        ({"drug": 3}, "drug must be a text, not 3"),
        ({"name": "a/b"}, "name must be letters"),
        ({"source_drugs": ["aspirin"]}, "source_drugs names 'aspirin'; the response of 'source' has: TMZ"),
        ({"source_drugs": "TMZ"}, r"source_drugs is no list; write source_drugs=\['TMZ'\]"),
        ({"source_drugs": 3}, "write source_drugs=a list"),
        ({"default_source": "aspirin"}, "default_source names 'aspirin'"),
        ({"missing_genes": "fill"}, "missing_genes is 'fill'; write one of drop"),
        ({"missing_genes": "error"}, "'G0'.*pass missing_genes='drop'"),
        ({"groups": {"target": pd.Series([["p"]], ["t0"])}}, "groups of 'target' holds lists"),
        ({"expression": {"missing": "drop"}}, "key 'missing' that means nothing for a frame; did you mean 'missing_v"),
        ({"expression": {"separator": ","}}, "key 'separator' that means nothing for a frame"),
        ({"expression": {"transform": "log"}}, "expression: key 'transform' is 'log'; write one of none"),
        ({"expression": {"transform": "log_cpm"}}, r"pass expression=\{'transform': 'none'\}"),
        ({"expression": {"duplicate_genes": "sum"}}, r"choose a transform or expression=\{'duplicate_genes': 'mean'"),
        ({"expression": {"sample_pattern": "(q)"}}, "sample_pattern '\\(q\\)' finds nothing in the name 's0'"),
        ({"expression": {"ignore_columns": "G1"}}, "expression: key 'ignore_columns' must be a list"),
        ({"expression": "log2"}, "expression is of type str"),
        ({"expression": {"path": "x.csv"}}, "key 'path' that means nothing for a frame"),
    ],
)
def test_bad_options_are_named_in_one_line(frames, options, line):
    with pytest.raises(tl.InputError, match=line) as error:
        tl.Cohort.from_frames(frames, **options)
    in_words_of_frames(str(error.value))


@pytest.mark.parametrize("role", ["liver", "intermediate"])
def test_a_role_that_is_not_there(frames, role):
    with pytest.raises(tl.InputError, match=f"{role}"):
        tl.Cohort.from_frames(frames)[role]
