"""Score new cells with the model that a study of cells keeps; nothing is trained, and cells pass in blocks.

python -m experiments.scdeal_predict --model=results/mine --cells=new.h5ad --out=results/new
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from experiments._cell_groups import ALSO, VALUES
from experiments._command import Script
from experiments._declared import FLAGS, choice, group, number, switch, text
from tl_jax.errors import InputError

MODEL = group(
    "model and cells",
    text("model", None, "folder of a finished study of cells, or its folder model"),
    text("cells", None, "new cells: .h5ad stored by cells (streamed), or any other file of cells (read whole)"),
    text("layer", "", "of an .h5ad: X, raw/X or the name of a layer"),
    choice("values", None, VALUES, "what the values are; default: found by looking"),
)
SCORING = group(
    "scoring",
    switch("smoothed", True, "average each cell with the nearest of its block of at most 4,096, as the study did"),
    choice(
        "scale_by", "study", ["study", "cells"], "means and spreads of genes: of the study's cells or of the new ones"
    ),
    number("min_coverage", 0.8, "smallest share of the model's genes that the file must have", 0, 1),
)

OUTPUT = group(
    "output",
    text("out", None, "output folder; default results/scdeal_predict/TIME"),
    switch("overwrite", False, "replace an output folder that exists"),
)


def work() -> None:
    from tl_jax.study.cells.kept import load_model
    from tl_jax.study.cells.predict import predict_cells
    from tl_jax.system.files import folder_atomic, write_json
    from tl_jax.system.progress import say, spoken

    for name in ("model", "cells"):
        if not FLAGS[name].value:
            raise InputError(f"--{name} is missing (--help lists the flags)")
    out = Path(FLAGS.out or f"results/scdeal_predict/{datetime.now():%Y-%m-%d_%H-%M-%S}")
    model = load_model(Path(FLAGS.model))
    options = {"layer": FLAGS.layer, "values": FLAGS.values or "", "smooth": FLAGS.smoothed}
    options |= {"scale_by": FLAGS.scale_by, "min_coverage": FLAGS.min_coverage}
    with folder_atomic(out, FLAGS.overwrite) as folder, spoken():
        found = predict_cells(model, Path(FLAGS.cells), folder / "cells.csv", **options)
        write_json(folder / "summary.json", {"experiment": "scdeal_predict", **found, "model": model.words})
    for note in found["notes"]:
        say(note)
    if not model.words["direction_settled"]:
        say("direction not settled: sensitive and resistant may be exchanged")
    say(f"{found['cells']['scored']:,} cells scored, {model.words['drug']} (high = sensitive): {out / 'cells.csv'}")


main = Script(__doc__, (MODEL, SCORING, OUTPUT, ALSO), work)

if __name__ == "__main__":
    main.run()
