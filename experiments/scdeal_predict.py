"""Score new cells with the model that a study of cells keeps; nothing is trained, and cells pass in blocks.

python -m experiments.scdeal_predict --model=results/mine --cells=new.h5ad --out=results/new
python -m experiments.scdeal_predict --model=theirs_DaNN.pkl --genes=genes.txt --cells=new.h5ad --out=results/theirs
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
    text(
        "model", None, "folder of a finished study of cells, its folder model, or a PyTorch file of scDEAL's networks"
    ),
    text("genes", "", "of a PyTorch file: its genes in their order, one per line"),
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


OURS = ("smoothed", "scale_by", "min_coverage")  # flags of a kept model


def work() -> None:
    from tl_jax.system.progress import say

    for name in ("model", "cells"):
        if not FLAGS[name].value:
            raise InputError(f"--{name} is missing (--help lists the flags)")
    out = Path(FLAGS.out or f"results/scdeal_predict/{datetime.now():%Y-%m-%d_%H-%M-%S}")
    theirs = Path(FLAGS.model).is_file()
    idle = [name for name in OURS if FLAGS[name].present] if theirs else ["genes"] * bool(FLAGS.genes)
    if idle:
        raise InputError(f"--{idle[0]} changes nothing {'for' if theirs else 'without'} a PyTorch file; leave it out")
    notes, scored, drug = by_theirs(out) if theirs else by_ours(out)
    for note in notes:
        say(note)
    say(f"{scored:,} cells scored, {drug} (high = sensitive): {out / 'cells.csv'}")


def by_ours(out: Path) -> tuple[list[str], int, str]:
    """Score by a kept model: (notes, cells scored, drug)."""
    from tl_jax.study.cells.kept import load_model
    from tl_jax.study.cells.predict import predict_cells
    from tl_jax.system.files import folder_atomic, write_json
    from tl_jax.system.progress import spoken

    model = load_model(Path(FLAGS.model))
    options = {"layer": FLAGS.layer, "values": FLAGS.values or "", "smooth": FLAGS.smoothed}
    options |= {"scale_by": FLAGS.scale_by, "min_coverage": FLAGS.min_coverage}
    with folder_atomic(out, FLAGS.overwrite) as folder, spoken():
        found = predict_cells(model, Path(FLAGS.cells), folder / "cells.csv", **options)
        write_json(folder / "summary.json", {"experiment": "scdeal_predict", **found, "model": model.words})
    settled = model.words["direction_settled"]
    warned = [] if settled else ["direction not settled: sensitive and resistant may be exchanged"]
    return [*found["notes"], *warned], found["cells"]["scored"], model.words["drug"]


def by_theirs(out: Path) -> tuple[list[str], int, str]:
    """The same by scDEAL's own networks."""
    from tl_jax.report.tables import write_csv
    from tl_jax.study.cells.theirs import predict_theirs
    from tl_jax.system import runtime
    from tl_jax.system.files import folder_atomic, write_json

    if not FLAGS.genes:
        raise InputError("--genes is missing: a PyTorch file does not name its genes; give them in order, one per line")
    runtime.configure()
    options = {"layer": FLAGS.layer, "values": FLAGS.values or ""}
    with folder_atomic(out, FLAGS.overwrite) as folder:
        table, found = predict_theirs(Path(FLAGS.model), FLAGS.genes, Path(FLAGS.cells), **options)
        write_csv(folder / "cells.csv", table)
        write_json(folder / "summary.json", {"experiment": "scdeal_predict", **found})
    return found["notes"], len(table), found["model"]["format"]


main = Script(__doc__, (MODEL, SCORING, OUTPUT, ALSO), work)

if __name__ == "__main__":
    main.run()
