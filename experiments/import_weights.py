"""Make a stage checkpoint of weights from outside: Keras, PyTorch, safetensors, or a file of export_weights.

python -m experiments.import_weights --weights=model.keras --genes=genes.csv --drug=oxaliplatin --scale_by=cohort \
    --out=checkpoints/theirs
"""

from pathlib import Path

from experiments._command import Script
from experiments._declared import FLAGS, choice, group, number, text, texts
from experiments._groups import TRANSFORMS
from tl_jax.errors import InputError

WEIGHTS = group(
    "weights",
    text("weights", None, "weight file: .weights.h5, .h5, .keras, .pth, .pt, .safetensors or .npz"),
    text("sha256", "", "SHA-256 of the weight file as its authors give it; another file is refused"),
    texts("activations", [], "what follows each dense layer, where the file does not say: sigmoid,softplus,softplus"),
    texts("layers", [], "names of all layers in the order of the network, where the file keeps no order"),
    number("bn_epsilon", None, "epsilon of batch norms, where the file does not say; default: the format's own"),
)
GENES = group(
    "genes",
    text("genes", None, "the genes of the weights in their own order, one per line"),
    text("like", None, "cohort (a name or a .toml) onto whose genes the weights are brought, by name"),
    text("data_dir", None, "folder of the cohort's tables; default: the environment variable TLJAX_DATA"),
    choice(
        "missing_genes",
        "refuse",
        ["refuse", "zero_weight"],
        "genes of --like that the weights lack; zero_weight adds nothing",
    ),
    choice(
        "extra_genes",
        "refuse",
        ["refuse", "drop"],
        "genes of the weights that --like lacks; drop: as if always average",
    ),
)
SCALING = group(
    "scaling",
    text("scaler", None, "table of the training scaler: columns gene, center, scale"),
    text("fit_scaler_on", None, "expression table on which the scaler is fitted, such as that of the training"),
    choice(
        "scale_by",
        None,
        ["cohort", "none"],
        "without a scaler: new samples are scaled by themselves (cohort), or come scaled (none)",
    ),
    choice("scaler_kind", "standard", ["robust", "standard"], "how a scaler is fitted: median and IQR, or mean and sd"),
    choice("transform", "none", TRANSFORMS, "what was done to the training expression before scaling"),
)
RESPONSE = group(
    "response",
    text("drug", "", "drug that the model predicts"),
    number("low", None, "response that the network's 0 stands for (10 where high means sensitive)"),
    number("high", None, "response that the network's 10 stands for; without both it stays 0 to 10"),
    text("unit", "", "unit of --low and --high, such as AUC"),
    choice("direction", "resistant", ["resistant", "sensitive"], "what a high response means"),
)
OUTPUT = group(
    "output",
    text("name", "", "a name for the model; default: that of the file"),
    text("out", None, "folder of the checkpoint to write; it must not exist"),
)

GIVEN_ONCE = ("drug", "name", "unit", "direction", "low", "high", "transform")


def work() -> None:
    from tl_jax.study.weights.import_weights import Wishes, import_weights
    from tl_jax.study.weights.imported import Meaning
    from tl_jax.system import runtime
    from tl_jax.system.progress import say

    for name in ("weights", "out"):
        if not FLAGS[name].value:
            raise InputError(f"--{name} is missing (--help lists the flags)")
    runtime.configure()
    wishes = Wishes(
        weights=Path(FLAGS.weights),
        out=Path(FLAGS.out),
        meaning=Meaning(**{name: FLAGS[name].value for name in GIVEN_ONCE}),
        given=frozenset(name for name in FLAGS if FLAGS[name].present),
        **{name: FLAGS[name].value for name in Wishes.PLAIN},
    )
    for line in import_weights(wishes):
        say(line)


main = Script(__doc__, (WEIGHTS, GENES, SCALING, RESPONSE, OUTPUT), work)

if __name__ == "__main__":
    main.run()
