"""Families of arms: one reference by name, max-T over their tests, sources first where their labels were tested."""

import numpy as np
import pytest

from tl_jax.errors import InputError
from tl_jax.evaluation.statistics.families import family_p, is_transfer, reference_of
from tl_jax.evaluation.statistics.influence import influence, influence_test, max_t
from tl_jax.evaluation.statistics.paired import holm


def arms_of(effects, seed=0, n=24, repeats=4):
    """Influence tests of arms with these effects against one reference, and their p."""
    rng = np.random.default_rng(seed)
    i, r = np.arange(n), np.arange(repeats)[:, None]
    y, fold = rng.normal(size=n), (i + r * (i // 3)) % 3
    noise = rng.normal(size=(repeats, n))
    base = influence(y, 0.3 * y + noise, fold)
    arms = [influence(y, (0.3 + effect) * y + rng.normal(size=(repeats, n)), fold) for effect in effects]
    found = [influence_test(one, base) for one in arms]
    return found, [one.p for one in found]


@pytest.mark.parametrize(
    ("arms", "asked", "expected"),
    [
        (["scratch", "copy_layer1", "ridge"], None, "ridge"),
        (["scratch", "copy_layer1", "mean"], None, "scratch"),
        (["scratch lr=0.01", "scratch lr=0.001", "copy_layer1"], None, "scratch lr=0.01"),
        (["copy_layer1", "mean"], None, None),
        (["scratch", "ridge", "mean"], "mean", "mean"),
        (["scratch lr=0.01", "scratch lr=0.001", "ridge"], "scratch", "scratch lr=0.01"),
        (["marker:MGMT", "ridge"], "marker:MGMT", "marker:MGMT"),
    ],
)
def test_the_reference_is_known_by_its_name(arms, asked, expected):
    assert reference_of(arms, asked) == expected


def test_a_reference_that_starts_from_a_source_or_is_not_run_is_refused():
    for asked in ("copy_layer1", "svr"):
        with pytest.raises(InputError, match=f"--reference={asked}: no such arm without a source.*ridge, scratch"):
            reference_of(["ridge", "scratch", "copy_layer1"], asked)


def test_max_t_where_all_have_an_influence_test_and_holm_elsewhere():
    tests, p = arms_of([0.0, 0.2, 3.0])
    np.testing.assert_array_equal(family_p(p, tests, [""] * 3), np.maximum(max_t(tests), p))
    np.testing.assert_array_equal(family_p(p, [None, *tests[1:]], [""] * 3), holm(p))
    gap = [p[0], np.nan, p[2]]
    found = family_p(gap, [tests[0], None, tests[2]], [""] * 3)
    assert np.isnan(found[1])
    np.testing.assert_allclose(found[[0, 2]], np.maximum(max_t([tests[0], tests[2]]), [p[0], p[2]]))


def test_sources_that_fail_let_no_arm_in_and_leave_the_family_smaller():
    tests, p = arms_of([3.0, 3.0, 0.1])
    sources = ["a", "b", "b"]
    alone = family_p(p, tests, sources, {"a": 0.01, "b": 0.4})
    # By Holm a has .02 and b .4: only a's arm is tested, as a family of one.
    assert alone[0] == pytest.approx(max(0.02, p[0], max_t(tests[:1])[0]))
    assert (alone[1:] >= 0.4).all()
    both = family_p(p, tests, sources, {"a": 0.01, "b": 0.01})
    assert both[1] >= max_t(tests)[1]
    assert np.isnan(family_p([np.nan, *p[1:]], tests, sources, {"a": 0.01, "b": 0.01})[0])


def test_arms_whose_source_has_no_p_are_one_more_source():
    """Labels of all drugs at once have no single permutation; their arms are not shut out, and are charged for."""
    tests, p = arms_of([3.0, 3.0, 0.1])
    sources = ["a", "all", "all"]
    own = min(family_p(p[1:], tests[1:], [""] * 2))
    found = family_p(p, tests, sources, {"a": 0.04})
    np.testing.assert_allclose(found[0], max(holm([0.04, own])[0], max_t(tests)[0], p[0]))
    np.testing.assert_allclose(found[1], max(holm([0.04, own])[1], max_t(tests)[1], p[1]))
    assert found[1] < 0.05 < found[2]
    shut = family_p(p, tests, sources, {"a": 0.5})
    assert shut[0] >= 0.5
    assert shut[1] < 0.05
    nothing = family_p([p[0], np.nan, np.nan], tests, sources, {"a": 0.04})
    assert np.isnan(nothing[1:]).all()


def test_more_arms_never_make_a_p_smaller():
    tests, p = arms_of(np.linspace(0, 2, 6))
    assert (family_p(p, tests, [""] * 6) >= np.array(p)).all()
    assert is_transfer("copy_layer1", "drug")
