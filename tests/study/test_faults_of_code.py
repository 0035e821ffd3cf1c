"""A stage's id changes with every file that determines its weights, and with no other."""

import importlib.util
import sys

import pytest

from tl_jax.study.core import code
from tl_jax.study.core.code import ROOT, code_of, source_file
from tl_jax.study.core.stages import TRAINING
from tl_jax.transfer.strategies import STRATEGIES


def files_of(*subjects):
    paths = {path for one in subjects for path in code.closure(source_file(one))}
    return {path.relative_to(ROOT).as_posix() for path in paths}


def test_what_turns_rows_into_weights_is_digested():
    found = files_of(*TRAINING)
    assert {"types.py", "keys.py", "trees.py", "data/scaling/scaled.py", "data/scaling/scaling.py"} <= found
    assert {"training/chain.py", "training/fit.py", "training/optimizer.py", "training/objective.py"} <= found
    assert not any(path.startswith(("system/", "report/", "study/", "evaluation/")) for path in found)


def test_a_strategy_is_digested_with_its_helpers():
    assert {"transfer/fine_tuning.py", "transfer/strategies.py", "types.py"} <= files_of(STRATEGIES["l2_sp"].function)


@pytest.fixture
def own(tmp_path):
    """own(helper's text) -> the strategy of a user's file that imports a helper beside it, which imports another."""
    (tmp_path / "mine.py").write_text(
        "from helping import begin\n\ndef mine(source, fresh):\n    return begin(fresh)\n"
    )
    (tmp_path / "helping.py").write_text("def begin(fresh):\n    import deeper\n    return deeper.NUMBER\n")
    (tmp_path / "unrelated.py").write_text("A = 1\n")
    sys.path.insert(0, str(tmp_path))

    def load(number, **texts):
        (tmp_path / "deeper.py").write_text(f"NUMBER = {number}\n")
        for name, text in texts.items():
            (tmp_path / f"{name}.py").write_text(text)
        for name in ("helping", "deeper"):
            sys.modules.pop(name, None)
        spec = importlib.util.spec_from_file_location("user_mine", tmp_path / "mine.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.mine

    yield load
    sys.path.remove(str(tmp_path))
    for name in ("helping", "deeper"):
        sys.modules.pop(name, None)


def test_a_users_helpers_are_part_of_the_strategy(own):
    first = code_of(own(1))
    assert code_of(own(1)) == first
    assert code_of(own(22)) != first
    assert code_of(own(1, unrelated="A = 2\n")) == first
    assert code_of(own(1, helping="def begin(fresh):\n    import deeper\n    return -deeper.NUMBER\n")) != first


def test_a_function_without_a_file_is_told_by_what_it_does():
    def typed(text):
        space = {}
        exec(text, space)
        return space["mine"]

    one = typed("def mine(source, fresh):\n    return 1")
    assert code_of(one) == code_of(typed("def mine(source, fresh):\n    return 1"))
    assert code_of(one) != code_of(typed("def mine(source, fresh):\n    return 2"))
    captured = [
        typed(f"def make(k):\n    def mine(s, f):\n        return k\n    return mine\nmine = make({k})") for k in (1, 2)
    ]
    assert code_of(captured[0]) != code_of(captured[1])
