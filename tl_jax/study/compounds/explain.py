"""Which atoms a model's opinion of a compound rests on: integrated gradients of the logit, as tables and pictures."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import jax
import numpy as np
import pandas as pd
from jax.tree_util import Partial

from tl_jax.data.compounds.fingerprints import bit_atoms, ecfp
from tl_jax.data.compounds.molecules import atom_symbols
from tl_jax.errors import InputError
from tl_jax.interpret.atoms import atom_attributions
from tl_jax.interpret.integrated_gradients import Attributions, integrated_gradients
from tl_jax.interpret.molecule_svg import molecule_svg
from tl_jax.report.tables import write_csv
from tl_jax.study.compounds.predict import CompoundModel
from tl_jax.system.files import folder_atomic
from tl_jax.types import Network

# Steps of the midpoint rule, more where fewer leave an error above TOLERANCE: on a logit of order 1 nothing to see.
STEPS, TOLERANCE = (300, 1200, 4800), 0.01
ORDERS = ("probability", "table")
ATOMS, MOLECULES = "attributions.csv", "molecules.csv"


def chosen(predicted: pd.DataFrame, count: int, order: str) -> pd.DataFrame:
    """The compounds to explain, in that order, of what predict_smiles gave.

    "probability": the most probable that the model can know of (in_domain). "table": the first that can be read,
    wherever they lie.
    """
    if order == "table":
        found = predicted[predicted["probability"].notna()]
    else:
        found = predicted[predicted["in_domain"].eq(True)].sort_values("probability", ascending=False, kind="stable")
    if found.empty:
        wanted = "can be read" if order == "table" else "lies in the model's domain; --explain_order=table takes others"
        raise InputError(f"there is nothing to explain: no compound {wanted}")
    return found.head(count)


def attribute(model: CompoundModel, smiles: list[str]) -> tuple[Attributions, int]:
    """(attributions (n, bits) of the logit, steps) against the empty fingerprint, a compound without any substructure.

    Bits that are off equal the baseline, so that all of the difference goes to bits that are on, and thus to atoms.
    """
    known = model.known
    x = ecfp(smiles, known.bits, known.radius, known.counts)
    f = Partial(logit_of(model.network), model.variables)
    for steps in STEPS:
        found = integrated_gradients(f, x, n_steps=steps, method="riemann_middle")
        if np.abs(found.delta).max(initial=0) <= TOLERANCE:
            break
    return found, steps


@lru_cache
def logit_of(network: Network):
    """A network's prediction as a function of (variables, x), the same object each time so that it is compiled once."""

    def logit(variables, x: jax.Array) -> jax.Array:
        return network.apply(variables, x).prediction

    return logit


def explain(model: CompoundModel, picked: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(atoms, molecules) of some rows of predict_smiles.

    atoms: molecule (its number from 1), id, atom (from 0, in the order of the SMILES), symbol, attribution: what the
    atom adds to the logit. molecules: molecule, id, smiles, probability, logit, baseline_logit (of the empty
    fingerprint), atoms_sum, off_bits (what no atom carries; 0 for this baseline), delta, steps, caution, where
    atoms_sum + off_bits = logit - baseline_logit + delta, and delta is the error of the integral.
    """
    smiles = picked["smiles"].tolist()
    known, (found, steps) = model.known, attribute(model, smiles)
    atoms, molecules = [], []
    for k, row in enumerate(picked.itertuples(index=False)):
        symbols = atom_symbols(row.smiles)
        where = bit_atoms(row.smiles, known.bits, known.radius)
        shares = atom_attributions(found.values[k], where, len(symbols))
        atoms += [(k + 1, row.id, i, *pair) for i, pair in enumerate(zip(symbols, shares.atoms, strict=True))]
        whole = (found.output[k], found.base_output[k], shares.atoms.sum(), sum(shares.off.values()), found.delta[k])
        molecules.append((k + 1, row.id, row.smiles, row.probability, *map(float, whole), steps, row.caution))
    names = ["molecule", "id", "smiles", "probability", "logit", "baseline_logit", "atoms_sum", "off_bits", "delta"]
    return (
        pd.DataFrame(atoms, columns=["molecule", "id", "atom", "symbol", "attribution"]),
        pd.DataFrame(molecules, columns=[*names, "steps", "caution"]),
    )


def write_explained(model: CompoundModel, picked: pd.DataFrame, folder: Path, overwrite: bool = False) -> pd.DataFrame:
    """Write attributions.csv, molecules.csv and a picture (.svg) of each molecule; returns the table of molecules.

    All pictures share one scale of colours. The folder appears whole or not at all.
    """
    atoms, molecules = explain(model, picked)
    limit = float(atoms["attribution"].abs().max()) or None
    with folder_atomic(folder, overwrite, marker=ATOMS) as place:
        for row in molecules.itertuples(index=False):
            values = atoms.loc[atoms["molecule"] == row.molecule, "attribution"].to_numpy()
            title = f"{row.id}: probability {row.probability:.2f}, logit {row.logit:+.1f}"
            picture = molecule_svg(row.smiles, values, title, note_of(row), limit)
            (place / f"{row.molecule:03d}_{file_name(row.id)}.svg").write_text(picture, encoding="utf-8")
        write_csv(place / ATOMS, atoms)
        write_csv(place / MOLECULES, molecules)
    return molecules


def note_of(row) -> str:
    """What stands below a picture."""
    added = f"atoms add {row.atoms_sum:+.2f} to the logit {row.baseline_logit:+.2f} of an empty fingerprint"
    exact = f"error of the integral {row.delta:+.1e}"
    return f"{added}, {exact}." + (f" Caution: {row.caution}" if row.caution else "")


def file_name(text: str) -> str:
    """A name that every file system takes."""
    return re.sub(r"[^A-Za-z0-9.-]+", "_", text)[:40].strip("_.") or "compound"
