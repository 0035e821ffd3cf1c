"""What a grid search will take: counts, memory beside the compiler's own account, and the words."""

from dataclasses import replace
from pathlib import Path

import jax
import pytest

from tl_jax.study.compounds.grid import Grid, arms_of, load_pool, programs
from tl_jax.study.compounds.grid_plan import effort, plan_table, plan_text
from tl_jax.study.compounds.grid_settings import PUBLISHED, GridSettings, Space
from tl_jax.study.compounds.settings import DtiSettings
from tl_jax.study.core.folds import build_runs
from tl_jax.training.runs import fitting_program, join, plan_for

pytest.importorskip("rdkit")


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    base = DtiSettings(methods=("scratch",), checkpoint_dir=str(tmp_path_factory.mktemp("plan") / "none"))
    return GridSettings(base, Space((1,), (512,), (64, 128), (0.001, 0.01), (0.1, 0.2, 0.3), (5, 10)))


@pytest.fixture(scope="module")
def pool(settings):
    return load_pool(settings, keep=False)


def test_a_plan_leaves_no_file(settings, pool):
    plan_text(pool, settings)
    assert not Path(settings.base.checkpoint_dir).exists()


def test_counts_of_the_published_grid():
    points = PUBLISHED.points()
    found = effort(points, 10_000, 3, 100)
    assert (found.points, found.programs, found.runs) == (8400, 112, 112 * 15 * 3)
    assert found.epochs == 3 * 112 * 15 * 100
    assert found.alone == 3 * 8400 * 58
    assert found.in_turn == 112 * 100
    # Fewer rows than the smallest batch: the four batch sizes are one.
    assert effort(points, 60, 1, 100).epochs * 4 == effort(points, 10_000, 1, 100).epochs


def test_effort_equals_what_is_trained(settings, pool, monkeypatch):
    from tl_jax.study.compounds import grid as dti_grid

    trained = []

    def logits_on(problem, arms, how):
        trained.extend(arm.config.epochs for arm in arms for _ in problem.folds)
        raise RuntimeError

    monkeypatch.setattr(dti_grid, "logits_on", logits_on)
    grid = Grid(pool, settings)
    for program, own in programs(settings.space.points(), pool.longest).items():
        with pytest.raises(RuntimeError):
            grid.ask(program, own, "")
    found = effort(settings.space.points(), pool.longest, 3, 10)
    assert (len(trained), sum(trained)) == (found.runs, found.epochs) == (36, 360)


@pytest.mark.slow  # recorded for eight programs in docs/dti_grid.md
def test_memory_is_that_of_the_compiled_program_within_a_factor_of_two(settings, pool):
    grid = Grid(pool, settings)
    table = plan_table(pool, settings)
    (program, points), *_ = programs(settings.space.points(), pool.longest).items()
    arms = list(arms_of(program, points, settings).values())
    runs = join([build_runs(pool.domain, grid.problem.folds, 1, arm.recipe.hparams()) for arm in arms])
    own = settings.at(points[0])
    starts = [(arms[0].strategy.function, None)]
    from tl_jax.models import build

    how = (runs, pool.domain.x, starts, build(own.network), arms[0].config)
    _, plan = fitting_program(plan_for(*how), *how)
    assert plan.total == table["runs"].iloc[0] == 18
    assert 1 / 2 < table["bytes"].iloc[0] / plan.predicted < 2


def test_the_words(settings, pool):
    table, text = plan_table(pool, settings), plan_text(pool, settings)
    lines = text.splitlines()
    assert [line.split()[:4] for line in lines[1:3]] == [["1", "x", "512", "64"], ["1", "x", "512", "128"]]
    assert f"24 points as 2 programs and 36 runs on {len(jax.devices())} cpu devices" in text
    assert "training epochs: 360; one by one the points would take 540, 1.5 times as many" in text
    assert "by the cost model for CPU cores (nothing was measured)" in text
    assert table["seconds"].gt(0).all()
    assert "adaptive" not in text
    assert "--adaptive=5 trains at most 15 of these runs" in plan_text(pool, replace(settings, adaptive=5))
