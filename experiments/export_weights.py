"""Write a stage checkpoint as one file for other programs: weights, genes, scaler, response scale and what it is.

python -m experiments.export_weights checkpoints/COHORT/STAGE --out=model.npz
"""

from pathlib import Path

from experiments._command import Script
from experiments._declared import FLAGS, group, switch, text
from tl_jax.errors import InputError

OUTPUT = group(
    "output",
    text("out", None, "file to write: .npz (numpy alone reads it) or .safetensors"),
    switch("overwrite", False, "replace an output file that exists"),
)


def work(paths: list[str]) -> None:
    from tl_jax.study.weights.exported import export_model
    from tl_jax.system.files import check_writable
    from tl_jax.system.progress import say

    if len(paths) != 1:
        raise InputError(
            "name one checkpoint folder: python -m experiments.export_weights checkpoints/COHORT/STAGE --out=model.npz"
        )
    if not FLAGS.out:
        raise InputError("--out is missing (--help lists the flags)")
    check_writable(Path(FLAGS.out).absolute().parent, "--out")
    path, steps = export_model(paths[0], FLAGS.out, FLAGS.overwrite)
    if steps:
        say(f"the network expects expression after {', '.join(steps)}, which stand in the file's meta")
    say(f"saved {path}")


main = Script(__doc__, (OUTPUT,), work, takes_paths=True)

if __name__ == "__main__":
    main.run()
