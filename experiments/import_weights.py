"""Make a stage checkpoint of weights from outside: Keras, PyTorch, safetensors, or a file of export_weights.

python -m experiments.import_weights --weights=model.keras --genes=genes.csv --drug=oxaliplatin --scale_by=cohort \
    --out=checkpoints/theirs
"""

from pathlib import Path

from absl import flags

from experiments import _command
from tl_jax.data.domain import RESISTANT, SCALERS, SENSITIVE
from tl_jax.data.preprocessing.transforms import TRANSFORMS
from tl_jax.errors import InputError
from tl_jax.study.weights.import_weights import Wishes, import_weights
from tl_jax.study.weights.imported import Meaning
from tl_jax.system import runtime
from tl_jax.system.progress import say

FLAGS = flags.FLAGS

flags.DEFINE_string("weights", None, "weight file: .weights.h5, .h5, .keras, .pth, .pt, .safetensors or .npz")
flags.DEFINE_string("out", None, "folder of the checkpoint to write; it must not exist")
flags.DEFINE_string("sha256", "", "SHA-256 of the weight file as its authors give it; another file is refused")
flags.DEFINE_string("genes", None, "the genes of the weights in their own order, one per line")
flags.DEFINE_list(
    "activations", [], "what follows each dense layer, where the file does not say: sigmoid,softplus,softplus"
)
flags.DEFINE_list("layers", [], "names of all layers in the order of the network, where the file keeps no order")
flags.DEFINE_float("bn_epsilon", None, "epsilon of batch norms, where the file does not say; default: the format's own")
flags.DEFINE_string("like", None, "cohort (a name or a .toml) onto whose genes the weights are brought, by name")
flags.DEFINE_string("data_dir", None, "folder of the cohort's tables; default: the environment variable TLJAX_DATA")
flags.DEFINE_enum(
    "missing_genes",
    "refuse",
    ["refuse", "zero_weight"],
    "genes of --like that the weights lack; zero_weight adds nothing",
)
flags.DEFINE_enum(
    "extra_genes", "refuse", ["refuse", "drop"], "genes of the weights that --like lacks; drop: as if always average"
)
flags.DEFINE_string("scaler", None, "table of the training scaler: columns gene, center, scale")
flags.DEFINE_string(
    "fit_scaler_on", None, "expression table on which the scaler is fitted, such as that of the training"
)
flags.DEFINE_enum(
    "scale_by",
    None,
    ["cohort", "none"],
    "without a scaler: new samples are scaled by themselves (cohort), or come scaled (none)",
)
flags.DEFINE_enum(
    "scaler_kind", "standard", list(SCALERS[:2]), "how a scaler is fitted: median and IQR, or mean and sd"
)
flags.DEFINE_enum("transform", "none", list(TRANSFORMS), "what was done to the training expression before scaling")
flags.DEFINE_string("drug", "", "drug that the model predicts")
flags.DEFINE_string("name", "", "a name for the model; default: that of the file")
flags.DEFINE_float("low", None, "response that the network's 0 stands for (10 where high means sensitive)")
flags.DEFINE_float("high", None, "response that the network's 10 stands for; without both it stays 0 to 10")
flags.DEFINE_string("unit", "", "unit of --low and --high, such as AUC")
flags.DEFINE_enum("direction", RESISTANT, [RESISTANT, SENSITIVE], "what a high response means")

GIVEN_ONCE = ("drug", "name", "unit", "direction", "low", "high", "transform")


def main() -> None:
    for name in ("weights", "out"):
        if not FLAGS[name].value:
            raise InputError(f"--{name} is missing (--helpshort lists the flags)")
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


if __name__ == "__main__":
    _command.run(main)
