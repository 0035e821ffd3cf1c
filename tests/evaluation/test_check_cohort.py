"""Faults seeded into simulated cohorts are found, each by its own check; clean and odd cohorts are not accused."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from tl_jax.data.chain import Cohort
from tl_jax.data.cohort.simulate import simulate
from tl_jax.data.domain import SENSITIVE
from tl_jax.data.splits import Fold
from tl_jax.evaluation.checks.cohort import READY, check_cohort
from tl_jax.evaluation.checks.design import WHOLE, confounding, split_groups
from tl_jax.evaluation.checks.parts import BLOCKING, LOOK, Plan, stages
from tl_jax.evaluation.checks.response import squeezing, wrong_range
from tl_jax.evaluation.statistics.power import detectable_words
from tl_jax.report.page.check_page import check_page
from tl_jax.report.sections.check import printed

PLAN = Plan(repeats=2)
TABLE = {"source": 0, "intermediate": 1, "target": 2}


@cache
def clean(seed=1, **settings) -> Cohort:
    sizes = {"genes": 400, "n_source": 120, "n_intermediate": 60, "n_target": 30, "programmes": 40}
    cohort = simulate(seed=seed, **sizes | settings)[0]
    # Without temozolomide in the source, whose replicates hardly agree by design; the others learn from it in vain.
    return replace(cohort, source_drugs=cohort.source_drugs[1:])


def seeded(cohort, at, /, **fields) -> Cohort:
    """The cohort with fields of one domain replaced; a field given as a function gets the old value's copy."""
    domains = list(cohort.domains)
    old = domains[TABLE[at]]
    new = {}
    for field, value in fields.items():
        kept = getattr(old, field, None)
        new[field] = value(kept.copy() if isinstance(kept, np.ndarray) else kept) if callable(value) else value
    domains[TABLE[at]] = replace(old, **new)
    return replace(cohort, domains=tuple(domains))


def found(cohort, check, severity=None, plan=PLAN):
    """Findings of one check; every page of the cohort can be made, and names them."""
    checked = check_cohort(cohort, plan)
    text = printed(checked)
    assert max(map(len, text.splitlines())) <= 100
    assert text.endswith(checked.verdict)
    hits = [f for f in checked.findings if f.check == check]
    assert all(f.text[:30] in " ".join(text.split()) for f in hits)
    return [f for f in hits if severity in (None, f.severity)]


def put(rows, values):
    def change(array):
        array = array.astype(object) if array.dtype.kind == "U" else array  # numpy cuts names at the longest so far
        array[rows] = values
        return array.astype(str) if array.dtype == object else array

    return change


def test_a_clean_cohort_is_ready():
    checked = check_cohort(clean(), PLAN)
    assert checked.findings == []
    assert checked.verdict == READY
    assert printed(checked).endswith(READY)


def test_counts_against_logarithms():
    cohort = clean()
    x = np.random.default_rng(0).negative_binomial(2, 0.001, (30, 400)).astype(np.float32)
    (finding,) = found(seeded(cohort, "target", x=x), "units", BLOCKING)
    assert 'transform = "log_cpm"' in finding.remedy


@pytest.mark.parametrize("how", ["copied", "measured again"])
def test_a_sample_in_two_domains(how):
    cohort = clean()
    source, target = cohort.domains[0].x, cohort.domains[2].x
    # Measured again on the target's platform: its own level and spread of each gene, and a little noise.
    z = (source[5] - source.mean(axis=0)) / source.std(axis=0)
    again = target.mean(axis=0) + z * target.std(axis=0) + np.random.default_rng(0).normal(0, 0.1, 400)
    row = source[5] if how == "copied" else again.astype(np.float32)
    (finding,) = found(seeded(cohort, "target", x=put(3, row)), "overlap", BLOCKING)
    assert "S0006 and T0004" in finding.text


def test_one_name_in_two_domains():
    cohort = seeded(clean(), "target", samples=put(0, "s-0001"))
    (finding,) = found(cohort, "overlap", LOOK)
    assert "'s-0001'" in finding.text
    x = cohort.domains[0].x[0]
    (finding,) = found(seeded(cohort, "target", x=put(0, x)), "overlap", BLOCKING)
    assert "1 sample in common" in finding.text


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_a_sample_twice_in_two_groups(noise):
    cohort = clean()
    row = cohort.domains[2].x[0] + np.random.default_rng(0).normal(0, noise, 400).astype(np.float32)
    twice = seeded(cohort, "target", x=put(1, row))
    (finding,) = found(twice, "duplicates", BLOCKING)
    assert "T0001 and T0002" in finding.text
    assert 'groups = [["T0001", "T0002"]]' in finding.remedy
    assert not found(seeded(twice, "target", groups=put(1, "T0001")), "duplicates")


def test_repeats_by_name():
    names = put([0, 1, 2, 3], ["P1_rep1", "P1_rep2", "U-87 MG", "U87MG"])
    cohort = seeded(clean(), "target", samples=names)
    (finding,) = found(cohort, "duplicates", LOOK)
    assert finding.text.startswith("2 names")


@pytest.mark.parametrize("name", list(TABLE))
@pytest.mark.parametrize("how", ["unlogged", "another tissue", "empty"])
def test_an_outlying_sample(name, how):
    cohort = clean()
    x, rng = cohort.domains[TABLE[name]].x, np.random.default_rng(0)
    spread = x.std(axis=0)
    row = {
        "unlogged": 2 ** x[4],
        "another tissue": x[4] + 3 * spread * rng.choice([-1, 1], 400),
        "empty": np.zeros(400),
    }[how]
    (finding,) = found(seeded(cohort, name, x=put(4, row.astype(np.float32))), "outliers")
    assert f"'{name[0].upper()}0005'" in finding.text


@pytest.mark.parametrize(("name", "severity"), [("target", BLOCKING), ("intermediate", BLOCKING), ("source", LOOK)])
def test_a_constant_response(name, severity):
    cohort = clean()

    def flat(y):
        y[:, min(1, y.shape[1] - 1)] = 0.7
        return y

    (finding,) = found(seeded(cohort, name, y=flat), "response", severity)
    assert "constant (0.7)" in finding.text


def test_responses_that_are_tied_squeezed_or_missing():
    cohort = clean()
    assert "have the same" in found(seeded(cohort, "target", y=put(slice(0, 20), 1.0)), "response")[0].text
    (finding,) = found(seeded(cohort, "target", y=put(0, 0.7 + 9)), "response", LOOK)[:1]
    assert "('9.7')" in finding.text
    (finding,) = found(seeded(cohort, "target", y=put(slice(0, 27), np.nan)), "response", BLOCKING)
    assert "measured in 3 samples" in finding.text


def test_odd_values_of_many_source_drugs_are_one_finding():
    cohort = clean()
    source = cohort.domains[0]
    drugs = tuple(f"drug{k}" for k in range(6))
    y = np.repeat(source.y[:, :1], 6, axis=1)
    y[0] += 9  # a value far out, and out of range, for each drug
    many = seeded(cohort, "source", y=y, drugs=drugs, replicate=None)
    many = replace(many, source_drugs=drugs, default_source="drug0")
    *own, rest = found(many, "response", LOOK)
    assert own
    assert all(finding.text.startswith("drug0 in ") for finding in own)
    assert rest.text.startswith("5 of the other drugs of source have something odd, such as drug1 in ")


@pytest.mark.parametrize("name", ["target", "intermediate"])
def test_a_swapped_response_of_a_cohort_that_can_show_it(name):
    # MGMT alone decides, and all domains follow the same programmes: the hint needs signal, as any would.
    cohort = clean(relatedness=1.0, marker_effect=0.8, n_target=60, n_intermediate=80)
    assert not found(cohort, "direction")
    swapped = found(seeded(cohort, name, y=lambda y: 1 - y), "direction", LOOK)
    assert any("high MGMT goes with the opposite" in f.text for f in swapped)
    # The key `direction` turns the response back.
    assert not found(seeded(cohort, name, y=lambda y: 1 - y, direction=SENSITIVE), "direction")


def test_two_domains_that_go_opposite_ways_without_a_marker():
    cohort = clean(relatedness=1.0, programmes=4, communality=0.9, n_target=60, marker_effect=0.0)
    assert not found(cohort, "direction")
    swapped = found(seeded(cohort, "target", y=lambda y: 1 - y), "direction", LOOK)
    assert {f.where for f in swapped} >= {"intermediate, target"}


@pytest.mark.parametrize("together", [False, True])
def test_batches_that_shift_the_expression(together):
    """Alone, they can be corrected; where they go with the response in part, a model may predict them."""
    cohort, rng = clean(), np.random.default_rng(3)
    target = cohort.domains[2]
    order = np.argsort(target.response) if together else rng.permutation(len(target))
    late = np.zeros(len(target), bool)
    late[order[:11]] = late[order[-4:]] = True
    batch = np.where(late, "late", "early")
    shift = late[:, None] * rng.normal(0, 1, target.x.shape[1])
    with_shift = seeded(cohort, "target", batch=lambda _: batch, x=lambda x: (x + shift * x.std()).astype(np.float32))
    (finding,) = found(with_shift, "batches", LOOK)
    assert ("go with the response" in finding.text) is together
    assert ("group_column" if together else "combat") in finding.remedy
    assert not found(seeded(cohort, "target", batch=lambda _: batch), "batches")


@pytest.mark.parametrize("size", [0, 1])
def test_batches_that_nobody_named_are_two_groups(size):
    """A shift of every gene parts the samples; without one, or with batches named, nothing is said of groups."""
    rng = np.random.default_rng(3)
    late = rng.permutation(30) < 12
    shift = late[:, None] * rng.normal(0, 1, clean().domains[2].x.shape[1])
    moved = seeded(clean(), "target", x=lambda x: (x + size * shift * x.std()).astype(np.float32))
    hits = found(moved, "two groups")
    assert len(hits) == size
    if hits:
        assert "(18 and 12;" in hits[0].text
        assert "batch_column" in hits[0].remedy
        assert not found(seeded(moved, "target", batch=lambda _: np.where(late, "b", "a")), "two groups")


def test_the_check_says_what_the_power_table_says():
    lines = {part.anchor: part.lines for part in check_cohort(clean(), PLAN).parts}
    assert detectable_words(30) in lines["detectable"][0]
    lines = {part.anchor: part.lines for part in check_cohort(clean(n_target=150), PLAN).parts}
    assert "two methods must truly differ by at least" in lines["detectable"][0]


@pytest.mark.parametrize(("unit", "means"), [("DSS", "sensitive"), ("growth inhibition (%)", "sensitive")])
def test_a_unit_that_contradicts_the_direction(unit, means):
    (finding,) = found(seeded(clean(), "target", unit=unit, y=lambda y: y * 100), "direction")
    assert f'direction = "{means}"' in finding.remedy


def test_batch_confounded_with_the_response():
    cohort = clean()
    target = cohort.domains[2]
    batch = np.where(target.response > np.median(target.response), "late", "early")
    assert not found(cohort, "batch")
    (finding,) = found(seeded(cohort, "target", batch=batch), "batch", BLOCKING)
    assert "2 levels" in finding.text
    # A batch that was dealt out by chance is no fault; a picture without batch means is drawn.
    by_chance = seeded(cohort, "target", batch=np.random.default_rng(0).permutation(batch))
    assert not found(by_chance, "batch")
    assert [m.title for m in check_cohort(by_chance, PLAN).maps][-1] == "scaled, batch means removed"


def test_a_batch_that_is_held_out_whole_blocks_nothing():
    """What is advised against a batch is accepted where it was done, and not advised again."""
    y = clean().domains[2].response
    batch = np.where(y > np.median(y), "late", "early")
    parted = np.where(np.arange(len(batch)) == 0, "other", batch)
    for groups, severity, words in ((batch, LOOK, WHOLE), (parted, BLOCKING, "--groups=COLUMN")):
        cohort = seeded(clean(), "target", batch=batch, groups=groups)
        (finding,) = [one for one in confounding(cohort).findings if one.check == "batch"]
        assert finding.severity == severity
        assert words in finding.remedy


def test_drugs_that_are_answered_at_once_are_one_family():
    """Among many drugs one goes with a batch by chance; what is wholly confounded is still found."""
    y = clean().domains[2].response
    cohort = seeded(clean(), "target", batch=np.where(y > np.median(y), "late", "early"))
    one, many = (confounding(cohort, drugs).tables[0][1]["p (Holm)"] for drugs in (1, 31))
    np.testing.assert_allclose(many, np.minimum(1, 31 * one))
    assert [f.severity for f in confounding(cohort, 31).findings if f.check == "batch"] == [BLOCKING]


def test_tissue_confounded_with_the_response():
    cohort = clean()
    y = cohort.domains[2].response
    tissue = np.where(y > np.quantile(y, 0.6), "skin", "lung")
    assert found(seeded(cohort, "target", tissue=tissue), "tissue", LOOK)
    assert not found(seeded(cohort, "target", tissue=np.full(30, "")), "tissue")


def test_replicates_that_disagree():
    cohort = clean()
    assert not found(cohort, "replicates")
    rng = np.random.default_rng(0)
    hits = found(seeded(cohort, "source", replicate=lambda r: rng.permutation(r)), "replicates", LOOK)
    assert len(hits) == 3
    second = cohort.domains[2].y[::-1].copy()
    (finding,) = found(seeded(cohort, "target", replicate=second), "replicates", BLOCKING)
    assert "Temozolomide in target" in finding.text


def test_folds_that_part_a_group_are_found():
    groups = np.array(["a", "a", "b", "c"])
    kept = Fold(0, 0, np.array([2, 3]), np.array([0, 1]))
    parted = Fold(0, 1, np.array([1, 2]), np.array([0, 3]))
    assert split_groups(groups, [kept]) == []
    assert split_groups(groups, [kept, parted]) == ["a"]


def test_default_folds_keep_groups_and_say_so():
    checked = check_cohort(clean(related_pairs=5), PLAN)
    (part,) = [p for p in checked.parts if p.anchor == "folds"]
    row = part.tables[0][1].iloc[-1]
    assert (row["groups of several"], row["groups parted"], row["samples"]) == (5, 0, 30)


def test_groups_too_large_for_folds_block():
    cohort = seeded(clean(), "target", groups=np.repeat(["a", "b"], 15))
    (finding,) = found(cohort, "folds", BLOCKING)
    assert "2 groups are too few for 3 folds" in finding.text


def one_domain(cohort):
    return replace(cohort, domains=cohort.domains[-1:], coverage={"target": 1.0})


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6, 9])
def test_tiny_targets(n):
    cohort = clean()
    small = replace(cohort, domains=(*cohort.domains[:2], cohort.domains[2].rows(np.arange(n))))
    checked = check_cohort(small, PLAN)
    assert any(f.check == "sizes" for f in checked.findings)
    assert (checked.blocking > 0) == (n < 6), checked.findings
    if n in (1, 5):
        assert check_page(checked).startswith("<!DOCTYPE html>")


@pytest.mark.full
def test_odd_cohorts_are_checked_to_the_end():
    cohort = clean()
    x = cohort.domains[2].x
    odd = {
        "one domain": one_domain(cohort),
        "one domain of six": one_domain(replace(cohort, domains=(cohort.domains[2].rows(np.arange(6)),))),
        "constant gene": seeded(cohort, "target", x=np.where(np.arange(400) < 5, 3.0, x).astype(np.float32)),
        "constant table": seeded(cohort, "target", x=np.full_like(x, 3.0)),
        "equal samples": seeded(cohort, "target", x=np.repeat(x[:1], 30, axis=0)),
        "no label": seeded(cohort, "target", y=np.full((30, 1), np.nan)),
        "no source label": seeded(cohort, "source", y=lambda y: y * np.nan),
        "huge": seeded(cohort, "target", x=(x * 1e30).astype(np.float32)),
        "labels": seeded(cohort, "target", unit="label", y=lambda y: (y > np.median(y)).astype(float)),
        "another drug": seeded(cohort, "intermediate", drugs=("Aspirin",)),
        "markup": seeded(cohort, "target", name="<b>&", samples=put(0, "<script>alert(1)</script>\n\x00")),
    }
    for name, one in odd.items():
        checked = check_cohort(one, PLAN)
        if name in ("markup", "one domain of six", "no label", "equal samples"):
            assert "<script" not in check_page(checked), name
        assert printed(checked).endswith(checked.verdict), name
    assert check_cohort(odd["constant table"], PLAN).blocking
    assert check_cohort(odd["another drug"], PLAN).blocking
    assert not check_cohort(odd["constant gene"], PLAN).findings
    assert check_cohort(odd["equal samples"], PLAN).blocking


def test_ranges_that_contradict_their_unit():
    y = np.array([0.1, 0.9])
    for unit, values in (("AUC", 100 * y), ("viability (%)", y), ("IC50", y - 1), ("label", y)):
        assert wrong_range(unit, values), unit
    for unit, values in (("AUC", y), ("viability (%)", 100 * y), ("LN_IC50", y - 1), ("label", np.array([0.0, 1.0]))):
        assert not wrong_range(unit, values), unit


def test_squeezing_names_the_fewest_values():
    y = np.linspace(0, 1, 50)
    assert squeezing(y).tolist() == []
    assert squeezing(np.append(y, 5)).tolist() == [5]
    assert squeezing(np.append(y, -5)).tolist() == [-5]
    assert squeezing(np.array([0.0, 0, 0, 9])).tolist() == []


def test_roles_and_drugs():
    cohort = clean()
    assert [(s.role, len(s.drugs), s.evaluated) for s in stages(cohort)] == [
        ("source", 3, False),
        ("intermediate", 1, True),
        ("target", 1, True),
    ]
    assert [s.role for s in stages(one_domain(cohort))] == ["target"]


@pytest.mark.full
def test_the_same_cohort_gives_the_same_page():
    assert check_page(check_cohort(clean(), PLAN)) == check_page(check_cohort(clean(), PLAN))
