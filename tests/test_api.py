"""The public face: import tl_jax as tl."""

import dataclasses
import html
import inspect
import pydoc
import re
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pandas as pd
import pytest

import tl_jax as tl
from tl_jax.api import arms, study
from tl_jax.transfer.strategies import STRATEGIES

STUDY = """
import tl_jax as tl
cohort = tl.load_cohort("simulated")

@tl.strategy()
def slow_layer1(source, fresh):
    start = tl.leaves.copy(source, fresh, "layer1/*")
    return tl.Transfer(start, tl.leaves.all(start), lr_scale={"layer1/*": 0.1})

study = tl.run_study(cohort, route=("source", "target"), strategies=["scratch", slow_layer1],
                     baselines=["ridge"], folds=3, repeats=10, seed=400)      # one compiled program
print(tl.compare(study.metrics, reference="scratch"))
tl.plot(study, "arms"); study.save("results/mine")
"""
ONE = """
import jax, jax.numpy as jnp, tl_jax as tl
cohort = tl.load_cohort("simulated")
net, key = tl.network("two_step", hidden=(32, 8)), jax.random.key(0)
x, y, scale = tl.scaled(cohort["target"])
def one(key, lr):
    start = tl.Transfer.fresh(net.init(key, x.shape[1]))
    out = tl.fit(key, start, tl.Batch(x, y), tl.Recipe(epochs=20, learning_rate=lr), network=net)
    return tl.predict(out.variables, x, net), out.history["train_loss"]
pred, loss = jax.jit(jax.vmap(one))(jax.random.split(key, 4), jnp.full(4, 1e-3))
"""
QUIET = ("jax", "pandas", "numpy", "flax")


@pytest.fixture(scope="module")
def cohort(small_cohort, tmp_path_factory):
    path = tmp_path_factory.mktemp("cohort") / "small.toml"
    path.write_text(small_cohort)
    return tl.load_cohort(path)


@pytest.fixture(scope="module")
def example(cohort, tmp_path_factory):
    """What the first example leaves behind: its names, its folder, what stood there before it saved."""
    folder = tmp_path_factory.mktemp("example")
    text = STUDY.replace('tl.load_cohort("simulated")', "COHORT").replace(
        "repeats=10", "repeats=2, hidden=(8, 4), quick=True"
    )
    names = {"COHORT": cohort}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setitem(STRATEGIES, "slow_layer1", None)  # taken out again at the end
        del STRATEGIES["slow_layer1"]
        before, after = text.split("print(tl.compare")
        exec(before, names)
        names["litter"] = list(folder.iterdir())
        exec("print(tl.compare" + after, names)
    return names, folder


def test_a_study_as_in_the_first_example(example):
    names, folder = example
    found = names["study"]
    assert set(found.metrics["arm"]) == {"scratch", "slow_layer1", "ridge"}
    assert found.metrics.groupby("arm")["repeat"].nunique().eq(2).all()
    assert names["litter"] == []  # nothing is written before it is saved
    written = {path.name for path in (folder / "results" / "mine").iterdir()}
    assert written >= {"metrics.csv", "predictions.csv", "comparisons.csv", "summary.json", "study.json", "report.html"}
    with pytest.raises(tl.InputError, match="mine"):
        found.save(folder / "results" / "mine")


def test_a_rate_of_a_pattern_reaches_its_leaves():
    net = tl.network(hidden=(4, 2))
    start = net.init(jax.random.key(0), 5)
    move = tl.Transfer(start, tl.leaves.all(start), lr_scale={"layer1/*": 0.1, "layer1/bias": 0.5})
    assert move.lr_scale == {"layer1/kernel": 0.1, "layer1/bias": 0.5}
    with pytest.raises(tl.InputError, match="layer9"):
        tl.Transfer(start, tl.leaves.all(start), lr_scale={"layer9/*": 0.1})


@pytest.mark.shipped
def test_one_training_as_in_the_second_example():
    names = {}
    exec(ONE, names)
    assert names["pred"].shape == (4, 22)
    assert names["loss"].shape == (4, 20)
    assert np.isfinite(names["loss"]).all()
    assert (names["loss"][:, -1] < names["loss"][:, 0]).all()
    alone, _ = names["one"](jax.random.split(names["key"], 4)[2], jnp.float32(1e-3))
    np.testing.assert_allclose(names["pred"][2], alone, rtol=2e-4)


def test_fit_moves_only_what_trains_and_weights_of_one_change_nothing():
    net, rng = tl.network(hidden=(4, 2)), np.random.default_rng(0)
    x, y = rng.normal(size=(9, 5)).astype(np.float32), rng.random(9).astype(np.float32)
    start = net.init(jax.random.key(0), 5)
    move = tl.Transfer(start, tl.leaves.all_but(start, "layer1/*"))
    key, recipe = jax.random.key(1), tl.Recipe(epochs=3, learning_rate=0.01)
    plain = tl.fit(key, move, tl.Batch(x, y), recipe, network=net)
    given = tl.fit(key, move, tl.Batch(x, y, np.ones(9, np.float32)), recipe, network=net)
    for a, b in zip(jax.tree.leaves(plain.variables), jax.tree.leaves(given.variables), strict=True):
        assert np.array_equal(a, b)
    assert np.array_equal(plain.variables["params"]["layer1"]["kernel"], start["params"]["layer1"]["kernel"])
    assert not np.array_equal(plain.variables["params"]["head"]["kernel"], start["params"]["head"]["kernel"])
    with pytest.raises(tl.InputError, match="take"):
        tl.predict(plain.variables, x[:, :4], net)


def test_compare_turns_every_pair_towards_the_reference(example):
    names, _ = example
    found = names["study"]
    table = tl.compare(found.metrics, reference="scratch").set_index("arm")
    folds = found.metrics.query("metric == 'spearman' and fold != 'pooled'")
    means = folds.groupby("arm")["value"].mean()
    assert set(table.index) == {"slow_layer1", "ridge"}
    for arm in table.index:
        assert table.loc[arm, "mean"] == pytest.approx(means[arm])
        assert table.loc[arm, "difference"] == pytest.approx(means[arm] - means["scratch"])
    back = tl.compare(found.metrics, reference="ridge").set_index("arm")
    assert back.loc["scratch", "difference"] == pytest.approx(-table.loc["ridge", "difference"])
    for wrong, word in ({"reference": "nobody"}, "ridge"), ({"metric": "spearmann"}, "spearman"):
        with pytest.raises(tl.InputError, match=word):
            tl.compare(found.metrics, **wrong)


def test_pictures_are_figures(example):
    names, _ = example
    for kind in ("arms", "losses", "predictions"):
        assert tl.plot(names["study"], kind)._repr_png_().startswith(b"\x89PNG")
    with pytest.raises(tl.InputError, match="arms, losses, predictions"):
        tl.plot(names["study"], "pie")


def middle(x_train, y_train, x_test, *, groups):
    return np.full(len(x_test), np.median(y_train))


def keep_head(source, fresh):
    return tl.Transfer(source, tl.leaves.select(source, "head/*"))


def linear() -> tl.Network:
    """One linear layer under a head."""
    from tl_jax.types import Output

    def init(key, features, dtype=jnp.float32):
        kernel = 0.01 * jax.random.normal(key, (features, 3), dtype)
        return {"params": {"layer1": {"kernel": kernel}, "head": {"kernel": jnp.ones((3, 1), dtype)}}}

    def prefix(variables, x, stop):
        h = x @ variables["params"]["layer1"]["kernel"]
        return Output(h, {"layer1": h})

    def apply(variables, x, *, key=None, dropout=None, start=0):
        h = x if start else prefix(variables, x, 1).prediction
        return Output((h @ variables["params"]["head"]["kernel"])[:, 0], {"layer1": h})

    return tl.Network(init, apply, prefix, ("layer1", "head"))


@pytest.mark.full
def test_functions_and_a_network_stand_where_names_do(cohort):
    registered = dict(STRATEGIES)
    found = tl.run_study(
        cohort, strategies=["scratch", keep_head], baselines=["mean", middle], network=linear(), repeats=1, epochs=2
    )
    assert set(found.metrics["arm"]) == {"scratch", "keep_head", "mean", "middle"}
    assert registered == STRATEGIES  # borrowed for the study alone
    text = repr(found)
    assert "keep_head from" in text
    assert "3 folds x 1 repeats" in text
    assert "array" not in text


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"strategies": "scratch"}, r"\['scratch'\]"),
        ({"baselines": "ridge"}, r"\['ridge'\]"),
        ({"route": "target"}, r"\['target'\]"),
        ({"route": ("target", "source")}, "order of the chain"),
        ({"route": ("source", "liver")}, "intermediate"),
        ({"route": [("source", "target"), ("source", "intermediate")]}, "same role"),
        ({"strategies": ["scratsch"]}, "scratch"),
        ({"strategies": [3]}, "functions"),
        ({"baselines": [lambda x: x]}, "name"),
        ({"network": "two_steps"}, "two_step"),
        ({"network": 3}, "Network"),
        ({"metric": "spearmann"}, "spearman"),
        ({"source_drug": "aspirin"}, "aspirin"),
        ({"hidden": "100"}, "hidden"),
        ({"folds": 0}, "folds"),
    ],
)
def test_a_study_that_cannot_end_well_is_refused(cohort, given, word):
    with pytest.raises(tl.InputError, match=word):
        tl.run_study(cohort, **{"repeats": 1, "epochs": 1, **given})


def test_a_baseline_of_the_wrong_shape_is_refused(cohort):
    def short(x_train, y_train, x_test, *, groups):
        return y_train[:1]

    with pytest.raises(tl.InputError, match="'short'"):
        tl.run_study(cohort, route=("target",), strategies=["scratch"], baselines=[short], repeats=1, epochs=1)


def test_networks_that_differ_have_different_names():
    net = linear()
    doubled = net._replace(apply=lambda *a, **k: (out := net.apply(*a, **k))._replace(prediction=2 * out.prediction))
    names = [arms.named_network(one, 60)[0] for one in (net, linear(), doubled)]
    assert names[0] == names[1] != names[2]


def test_importing_is_light():
    check = "import sys, time; t = time.process_time(); import tl_jax as tl; t = time.process_time() - t; dir(tl); "
    check += f"print(t, [name for name in {QUIET} if name in sys.modules]); "
    check += "tl.load_cohort, tl.Cohort.from_frames, tl.Domain, tl.InputError; "
    check += "tl.load_cohort('simulated')['target'].for_drug('temozolomide'); print('jax' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    first, second = done.stdout.splitlines()
    seconds, loaded = first.split(" ", 1)
    assert float(seconds) < 0.1
    assert loaded == "[]"
    assert second == "False"


def test_names_and_help():
    assert dir(tl) == sorted(tl.__all__, key=lambda name: (not name[0].isupper(), name))
    assert len(tl.__all__) <= 20
    assert re.match(r"\d", tl.__version__)
    assert all(getattr(tl, name) is not None for name in tl.__all__)
    code = [line for line in tl.__doc__.splitlines() if line.startswith("    ") and line.strip()]
    assert len(code) == 10
    assert "run_study" in tl.__doc__
    with pytest.raises(AttributeError):
        tl.nothing  # noqa: B018


def documented():
    for name in tl.__all__:
        value = getattr(tl, name)
        if inspect.ismodule(value):
            yield from ((f"{name}.{one}", getattr(value, one)) for one in value.__all__)
        else:
            yield name, value
    yield "Cohort.from_frames", tl.Cohort.from_frames
    yield "Transfer.fresh", tl.Transfer.fresh
    yield "Study", study.Study
    yield "Study.save", study.Study.save
    for owner in (tl.Domain, tl.Cohort):
        for name, method in vars(owner).items():
            if inspect.isfunction(method) and not name.startswith("_"):
                yield f"{owner.__name__}.{name}", method


# What takes or gives no array.
SHAPELESS = {
    *("InputError", "Recipe", "Transfer", "Transfer.fresh", "Study", "Study.save", "strategy", "masked", "network"),
    *("plot", "compare", "rank_sources", "answer", "Cohort", "Domain.column", "leaves"),
}
# What cannot be refused.
NEVER = {"leaves.all", "Transfer.fresh", "Domain.rows"}
SHAPE = re.compile(r"\((?:n|m|k|genes|epochs|samples)\b[^)]*\)")


@pytest.mark.parametrize(
    ("name", "value"), list(documented()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_public_name_says_what_goes_in_and_comes_out(name, value):
    text = inspect.getdoc(value)
    if inspect.isclass(value):
        if not issubclass(value, Exception):
            assert "Args:" in text
        return
    signature = inspect.signature(value)
    untyped = [one for one in signature.parameters.values() if one.annotation is one.empty and one.name != "self"]
    assert not untyped
    assert signature.return_annotation is not signature.empty
    assert "Args:" in text
    assert "Returns:" in text
    for one in (one for one in signature.parameters if one != "self"):
        assert re.search(rf"^ +\**{one}\b", text, re.M) or re.search(rf"\b{one}\b", text), f"{one} is not explained"
    if name not in NEVER:
        assert "Raises:" in text


@pytest.mark.parametrize(
    ("name", "value"), list(documented()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_public_name_that_takes_arrays_says_their_shapes(name, value):
    if name not in SHAPELESS and name.split(".")[0] not in SHAPELESS:
        assert SHAPE.search(inspect.getdoc(value)), name


def test_help_shows_every_public_name():
    text = pydoc.render_doc(tl, renderer=pydoc.plaintext)
    shown = re.findall(r"^    (?:class )?(\w+)\(", text, re.MULTILINE)
    assert set(tl.__all__) - {"leaves"} <= set(shown)
    assert "import tl_jax as tl" in text


def test_compare_names_every_column_of_its_table(example):
    found = example[0]["study"].metrics
    table = tl.compare(pd.concat([found, found.assign(protocol="transductive")]), reference="scratch")
    returns = inspect.getdoc(tl.compare).split("Returns:")[1].split("Raises:")[0]
    named = set(re.findall(r"\w+", returns))
    assert set(table) <= named, set(table) - named
    for _, part in table.groupby("protocol"):
        order = part.sort_values("p")
        by_hand = np.maximum.accumulate(order["p"] * np.arange(len(order), 0, -1)).clip(upper=1)
        np.testing.assert_allclose(order["p_holm"], by_hand)


def test_the_verdict_is_that_of_the_report(example):
    names, folder = example
    found = names["study"].verdict
    assert found.startswith("QUICK LOOK, NOT A RESULT. On 20 samples ")
    page = html.unescape((folder / "results" / "mine" / "report.html").read_text(encoding="utf-8"))
    assert found in re.sub(r"<[^>]+>", "", page)


def test_sources_are_ranked_without_a_response_of_the_target(cohort):
    table = tl.rank_sources(cohort)
    assert set(table["source"]) == set(cohort.source_drugs)
    assert table["label_range"].is_monotonic_decreasing
    source = cohort["source"]
    for row in table.itertuples():
        y = source.for_drug(row.source).response
        assert row.samples == len(y)
        assert row.label_range == pytest.approx(np.quantile(y, 0.95) - np.quantile(y, 0.05))
    target = dataclasses.replace(cohort["target"], y=1 - cohort["target"].y)
    other = dataclasses.replace(cohort, domains=(*cohort.domains[:-1], target))
    pd.testing.assert_frame_equal(tl.rank_sources(other), table)
    alone = dataclasses.replace(cohort, domains=cohort.domains[-1:])
    for wrong in (alone, "simulated"):
        with pytest.raises(tl.InputError):
            tl.rank_sources(wrong)


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda c: c["target"].for_drugs("Temozolomide"), r"\['Temozolomide'\]"),
        (lambda c: c["target"].with_genes("MGMT"), r"\['MGMT'\]"),
        (lambda c: tl.Transfer({"params": {}}, "layer1/kernel"), "layer1/kernel"),
        (lambda c: tl.network(hidden="100"), "hidden"),
        (lambda c: tl.masked(optax.sgd(0.1), "layer1/kernel"), r"\['layer1/kernel'\]"),
    ],
)
def test_a_string_for_a_list_is_refused(cohort, call, word):
    with pytest.raises((tl.InputError, TypeError), match=word) as error:
        call(cohort)
    assert "\n" not in str(error.value)


def test_what_is_shown_of_an_object_holds_no_arrays(cohort):
    net = tl.network(hidden=(4, 2))
    variables = net.init(jax.random.key(0), 5)
    rows = tl.Batch(jnp.ones((3, 5)), jnp.ones(3))
    out = tl.fit(jax.random.key(0), tl.Transfer.fresh(variables), rows, tl.Recipe(1, 0.1), network=net)
    wide = net.init(jax.random.key(0), 5) | {"rows": jnp.ones((3, 5))}
    every = tl.Recipe(1, jnp.ones(3)), tl.Transfer(wide, ())
    for value in (cohort, cohort["target"], net, rows, tl.Transfer.fresh(variables), out, *every):
        assert len(repr(value)) < 400
        assert "rray(" not in repr(value)
        assert "[[" not in repr(value)
    assert "20 samples x 60 genes" in repr(cohort["target"])
