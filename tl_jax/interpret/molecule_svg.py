"""A molecule whose atoms are coloured by what they add to a prediction, as one SVG."""

from __future__ import annotations

import re
import textwrap
from html import escape

import numpy as np

from tl_jax.data.compounds.molecules import drawing, molecule, unreadable

# Blue and vermillion of Okabe and Ito, told apart with any common colour blindness; mixed with white, so that the
# letters of atoms stay readable on them.
LOWERS, RAISES, STRONGEST = (0x00, 0x72, 0xB2), (0xD5, 0x5E, 0x00), 0.8
WIDTH, HEIGHT = 420, 300  # pixels of the molecule
MARGIN, LINE, BAR, STEPS = 12, 18, 12, 41
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")  # in XML


def molecule_svg(smiles: str, values, title: str = "", note: str = "", limit: float | None = None) -> str:
    """The SVG's text. values: (atoms,), in the order of the SMILES, in the unit of the prediction.

    limit: the value at both ends of the scale, beyond which colours do not change; the largest |value| where None.
    Give the same limit to molecules that are compared. note: a line below the scale. Raises InputError for SMILES that
    rdkit cannot read. Needs rdkit (pip install tl_jax[chem]).
    """
    values = np.asarray(values, np.float64)
    if not np.isfinite(values).all() or (limit is not None and not 0 < limit < np.inf):
        raise ValueError("values must be finite and limit above 0")
    limit = limit or float(np.abs(values).max(initial=0))
    atoms = draw(smiles, [colour(value / limit) if value else None for value in values])
    titles = textwrap.wrap(printable(title), 52)
    notes = textwrap.wrap(printable(note), 66)
    top = MARGIN + LINE * len(titles)
    bar = top + HEIGHT + MARGIN
    height = bar + BAR + LINE * (2 + len(notes)) + MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
        f' role="img" font-family="DejaVu Sans, Arial, sans-serif" font-size="12">',
        f"<title>{escape(printable(title) or 'a molecule')}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#FFFFFF"/>',
        *(_text(MARGIN, top - LINE * (len(titles) - k) + 10, line, size=14) for k, line in enumerate(titles)),
        atoms.replace("<svg ", f'<svg x="0" y="{top}" ', 1),
        *scale(bar, limit),
        *(_text(MARGIN, bar + BAR + LINE * (3 + k), line) for k, line in enumerate(notes)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def draw(smiles: str, colours: list[str | None]) -> str:
    """rdkit's SVG of a molecule with a disc of each atom's colour behind it; None leaves an atom as it is."""
    mol = molecule(smiles)
    if mol is None or not mol.GetNumAtoms():
        raise unreadable([smiles[:80]])
    if mol.GetNumAtoms() != len(colours):
        raise ValueError(f"{smiles[:80]} has {mol.GetNumAtoms()} atoms, {len(colours)} values were given")
    rdkit = drawing()
    canvas = rdkit.MolDraw2DSVG(WIDTH, HEIGHT)
    options = canvas.drawOptions()
    options.useBWAtomPalette()
    options.clearBackground = False
    options.fixedBondLength, options.padding = 32.0, 0.06
    shown = {k: tuple(int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)) for k, c in enumerate(colours) if c}
    radii = dict.fromkeys(shown, 0.42)
    rdkit.PrepareAndDrawMolecule(
        canvas, mol, highlightAtoms=list(shown), highlightAtomColors=shown, highlightAtomRadii=radii, highlightBonds=[]
    )
    canvas.FinishDrawing()
    text = canvas.GetDrawingText()
    return text[text.index("<svg ") :].rstrip()


def scale(top: int, limit: float) -> list[str]:
    """The scale of colours with its numbers and what they mean; for the limit 0, that there is nothing to see."""
    if not limit:
        return [_text(MARGIN, top + BAR, "no atom changes the prediction")]
    width = (WIDTH - 2 * MARGIN) / STEPS
    size = f'width="{width + 0.3:.2f}" height="{BAR}"'  # a little more, so that no gap shows between two
    bars = [
        f'<rect x="{MARGIN + k * width:.2f}" y="{top}" {size} fill="{colour(2 * k / (STEPS - 1) - 1)}"/>'
        for k in range(STEPS)
    ]
    below, right = top + BAR + LINE - 4, WIDTH - MARGIN
    number = f"{limit:.2g}"
    return [
        *bars,
        _text(MARGIN, below, f"\u2212{number}"),
        _text(WIDTH / 2, below, "0", anchor="middle"),
        _text(right, below, f"+{number}", anchor="end"),
        _text(MARGIN, below + LINE, "lowers the prediction"),
        _text(right, below + LINE, "raises the prediction", anchor="end"),
    ]


def colour(share: float) -> str:
    """#RRGGBB of a share of the limit, -1 to 1: white at 0; what lies beyond is cut."""
    end, mix = (RAISES if share > 0 else LOWERS), STRONGEST * min(abs(share), 1.0)
    return "#" + "".join(f"{round(255 + (part - 255) * mix):02X}" for part in end)


def printable(text: str) -> str:
    """Text with every character that XML may not hold replaced by U+FFFD."""
    return FORBIDDEN.sub("\ufffd", str(text))


def _text(x: float, y: float, words: str, size: int = 12, anchor: str = "start") -> str:
    return f'<text x="{x:g}" y="{y:g}" font-size="{size}" text-anchor="{anchor}">{escape(words)}</text>'
