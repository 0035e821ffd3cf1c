"""What rdkit makes of a SMILES: one spelling for each compound, its scaffold. The door to rdkit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from tl_jax.data.compounds.chemical_cache import cached, from_text, to_text
from tl_jax.errors import InputError

LONGEST = 3000  # characters of a SMILES, and so atoms: rdkit walks molecules by recursion, which ends the process


@lru_cache
def toolkit() -> SimpleNamespace:
    """The parts of rdkit that are used, imported on first call; InputError where it is not installed."""
    try:
        import rdkit
        from rdkit import Chem, rdBase
        from rdkit.Chem import rdFingerprintGenerator
        from rdkit.Chem.Scaffolds import MurckoScaffold
    except ImportError as error:
        raise InputError(f"compounds need rdkit ({error}); install it with: pip install tl_jax[chem]") from error
    return SimpleNamespace(
        Chem=Chem,
        quiet=rdBase.BlockLogs,
        fingerprints=rdFingerprintGenerator,
        scaffold=MurckoScaffold.MurckoScaffoldSmiles,
        version=rdkit.__version__,
    )


def drawing():
    """rdkit's module that draws, apart from the others: it wants system libraries that a bare server may lack."""
    toolkit()
    try:
        from rdkit.Chem.Draw import rdMolDraw2D
    except ImportError as error:
        raise InputError(f"rdkit cannot draw molecules here ({error}); install what it names") from error
    return rdMolDraw2D


def molecule(smiles: str):
    """rdkit's molecule, or None where the SMILES cannot be read.

    Nothing at all, over LONGEST characters, and a blank inside (rdkit would read "C CC" as methane named CC) count as
    unreadable. rdkit's log stays silent: callers list what could not be read.
    """
    smiles = smiles.strip()
    if not smiles or len(smiles) > LONGEST or len(smiles.split()) > 1:
        return None
    kit = toolkit()
    with kit.quiet():
        return kit.Chem.MolFromSmiles(smiles)


def without_name(smiles: str) -> str:
    """A SMILES without a name behind a blank, as in .smi files; as it is where what follows is a SMILES too."""
    first, *rest = smiles.split(maxsplit=1)
    return first if rest and (rest[0].startswith("|") or molecule(rest[0].split()[0]) is None) else smiles


def canonical_smiles(smiles: Sequence[str], *, stereo: bool = True, cache: Path | None = None) -> list[str]:
    """The same spelling for each way to write a compound; "" where a SMILES cannot be read.

    stereo=False leaves out stereochemistry and isotopes, so that stereoisomers, and a compound written once with and
    once without its stereocentres, are one. Salts, charges and tautomers stay as they are written.
    cache: a folder that keeps the answer (see chemical_cache).
    """
    smiles, kit = list(smiles), toolkit()

    def spelling(text):
        mol = molecule(text)
        return "" if mol is None else kit.Chem.MolToSmiles(mol, isomericSmiles=stereo)

    return _kept("canonical", smiles, {"stereo": stereo}, spelling, cache)


def scaffolds(smiles: Sequence[str], *, cache: Path | None = None) -> np.ndarray:
    """(n,) str Bemis-Murcko scaffolds (Bemis and Murcko 1996): rings and what links them, without stereochemistry.

    A compound without a ring has the scaffold "". Raises InputError for a SMILES that cannot be read.
    """
    smiles, kit = list(smiles), toolkit()

    def scaffold(text):
        mol = molecule(text)
        if mol is None:
            raise unreadable([text])
        with kit.quiet():
            return kit.scaffold(mol=mol, includeChirality=False)

    return np.array(_kept("scaffold", smiles, {}, scaffold, cache), dtype=str)


def atom_symbols(smiles: str) -> list[str]:
    """The elements of a compound's atoms, in the order of its SMILES; InputError where it cannot be read."""
    mol = molecule(smiles)
    if mol is None:
        raise unreadable([smiles])
    return [atom.GetSymbol() for atom in mol.GetAtoms()]


def unreadable(smiles: Sequence[str]) -> InputError:
    """The error that names SMILES which cannot be read."""
    named = ", ".join(f"'{s}'" for s in smiles[:5]) + (", ..." if len(smiles) > 5 else "")
    return InputError(f"rdkit cannot read {len(smiles)} SMILES: {named}; correct them or leave these compounds out")


def _kept(what: str, smiles: list[str], settings: dict, one: Callable[[str], str], cache: Path | None) -> list[str]:
    """`one` of each SMILES, from the cache where it is there."""
    arrays = cached(cache, what, smiles, settings, toolkit().version, lambda: {"text": from_text(map(one, smiles))})
    return to_text(arrays["text"], len(smiles))
