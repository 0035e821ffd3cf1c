"""Print the ancestry of a stage checkpoint.

python -m experiments.lineage checkpoints/COHORT/STAGE
"""

from pathlib import Path

from experiments import _command
from tl_jax.errors import InputError
from tl_jax.study.core.lineage import lineage_text


def main(paths: list[str]) -> None:
    if not paths:
        raise InputError("name at least one checkpoint folder: python -m experiments.lineage checkpoints/COHORT/STAGE")
    for path in paths:
        print(lineage_text(Path(path)))


if __name__ == "__main__":
    _command.run(main, takes_paths=True)
