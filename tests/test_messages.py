"""What a message tells the user to do exists where it is printed: keys of a cohort file, flags of the command."""

import ast
import importlib
import re
from dataclasses import fields
from functools import cache
from pathlib import Path

import pytest

from experiments._declared import defined
from tl_jax.data.cohort import schema
from tl_jax.data.drafts.points import in_flags

ROOT = Path(__file__).resolve().parents[1]
TABLES = (schema.ExpressionTable, schema.ResponseTable, schema.AnnotationTable, schema.DomainTable, schema.CohortTable)
KEYS = {f.name for table in TABLES for f in fields(table)}
# What one command alone prints; every other message may speak of a flag that some command has.
PRINTED_BY = {
    "tl_jax/data/drafts": {"init_cohort"},
    "tl_jax/study/cohort/predict.py": {"predict"},
    "tl_jax/study/compounds/predict.py": {"predict"},
}
NO_MESSAGES = {
    "experiments/_help.py",
    "experiments/list_names.py",
    "tl_jax/fetch/sources.py",
    "tl_jax/report/page/style.py",
}
OTHERS = {"help", "file"}
_ANOTHER = re.compile(r"experiments?[. ]|tl_jax [a-z]|pip |import_weights")  # speaks of another command
_FLAG = re.compile(r"(?<![\w-])--([a-z][a-z_0-9]*)")
_KEY = re.compile(r"\b(?:set|write) (\w+) = ['\[{]")


@cache
def scripts() -> dict[str, frozenset[str]]:
    """{command: its flags}."""
    found = {}
    for path in sorted((ROOT / "experiments").glob("[a-z]*.py")):
        main = getattr(importlib.import_module(f"experiments.{path.stem}"), "main", None)
        if hasattr(main, "groups"):
            found[path.stem] = frozenset(defined(main.groups))
    return found


@cache
def texts() -> list[tuple[str, str]]:
    """(file, text) of every string of the package and its scripts that is no docstring; parts of f-strings joined."""
    found = []
    for path in sorted([*(ROOT / "tl_jax").rglob("*.py"), *(ROOT / "experiments").glob("*.py")]):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        plain = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
        parts = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                parts |= {id(value) for value in node.values}
                text = "".join(str(v.value) if isinstance(v, ast.Constant) else "VALUE" for v in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts | plain:
                text = node.value
            else:
                continue
            found.append((path.relative_to(ROOT).as_posix(), text))
    return found


def commands_of(file: str) -> set[str]:
    """The commands that print what stands in a file."""
    own = [names for start, names in PRINTED_BY.items() if file.startswith(start)]
    if own:
        return own[0]
    name = Path(file).stem
    return {name} if file.startswith("experiments/") and name in scripts() else set(scripts())


def test_flags_of_messages_exist_in_the_command_that_prints_them():
    wrong = []
    for file, text in texts():
        if file in NO_MESSAGES or _ANOTHER.search(text):
            continue
        known = set().union(*(scripts()[name] for name in commands_of(file)))
        wrong += [f"{file}: --{flag} in {text!r}" for flag in _FLAG.findall(text) if flag not in known | OTHERS]
    assert not wrong, "\n".join(wrong)


def test_keys_of_messages_exist():
    wrong = [(file, key) for file, text in texts() for key in _KEY.findall(text) if key not in KEYS | {"transform"}]
    assert not wrong


@pytest.mark.parametrize("part", ["expression", "response"])
def test_commands_without_a_cohort_file_speak_of_their_flags(part):
    """Whatever the readers of tables say, predict and init_cohort say it as a flag that they have."""
    flags = {"expression": ("predict", "init_cohort"), "response": ("init_cohort",)}[part]
    for name in flags:
        assert f"{part}_keys" in scripts()[name]
    for file, text in texts():
        if file.startswith("tl_jax/data/") and _KEY.search(text):
            assert not _KEY.search(in_flags(text, part)), (file, in_flags(text, part))


def test_a_message_in_flags():
    text = "keep one row for each gene, or set duplicate_genes = 'mean'"
    assert in_flags(text, "expression") == (
        "keep one row for each gene, or add --expression_keys=\"duplicate_genes = 'mean'\""
    )
