"""Print the ancestry of a stage checkpoint.

python -m experiments.lineage checkpoints/COHORT/STAGE
"""

from pathlib import Path

from experiments._command import Script
from tl_jax.errors import InputError


def work(paths: list[str]) -> None:
    from tl_jax.study.core.lineage import lineage_text

    if not paths:
        raise InputError("name at least one checkpoint folder: python -m experiments.lineage checkpoints/COHORT/STAGE")
    for path in paths:
        print(lineage_text(Path(path)))


main = Script(__doc__, (), work, takes_paths=True)

if __name__ == "__main__":
    main.run()
