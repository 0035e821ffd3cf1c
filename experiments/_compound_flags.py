"""Flags that every study of compounds has: its table and how compounds are described and split."""

from __future__ import annotations

from dataclasses import fields

from absl import flags

from tl_jax.study.compounds.settings import SPLITS, DtiSettings

DEFAULTS = {field.name: field.default for field in fields(DtiSettings)}
# Flags whose names are those of DtiSettings.
PLAIN = (
    *("data", "split", "test_share", "test_ids", "threshold", "stereo", "bits", "radius", "counts", "vectors"),
    *("weight_decay", "seed", "at_once", "checkpoint_dir"),
)

flags.DEFINE_string("data", "simulated", "table (.csv, .csv.gz) with the columns family, smiles, label; or simulated")
flags.DEFINE_enum("split", "random", list(SPLITS), "how test compounds are chosen")
flags.DEFINE_float("test_share", DEFAULTS["test_share"], "share of test compounds")
flags.DEFINE_string("test_ids", None, "text file with an id or SMILES of a test compound in each line")
flags.DEFINE_float("threshold", None, "active where the column pchembl is at least this; default: the column label")
flags.DEFINE_bool("stereo", False, "stereoisomers are compounds of their own, although fingerprints are the same")
flags.DEFINE_integer("bits", DEFAULTS["bits"], "length of the fingerprint")
flags.DEFINE_integer("radius", DEFAULTS["radius"], "radius of the fingerprint; 2 is ECFP4")
flags.DEFINE_bool("counts", False, "fingerprints that count")
flags.DEFINE_string("vectors", None, "file of vectors by id or SMILES (.csv, .npz) instead of fingerprints")
flags.DEFINE_float("weight_decay", DEFAULTS["weight_decay"], "coupled, on every trained weight")
flags.DEFINE_integer("seed", DEFAULTS["seed"], "seed of everything that is drawn")
flags.DEFINE_integer("at_once", None, "runs of one compiled call on each device; default: the planner's choice")
flags.DEFINE_string("checkpoint_dir", "checkpoints", "where source models and what rdkit computes are kept")
