"""Fine-tuning the whole source model, head included, but for some layers: modes 1 and 2 of TL4DTI.

Mode 1 is `fine_tune`. Mode 2 freezes the weights of named layers (Bioinformatics 2023, doi
10.1093/bioinformatics/btad234: layer 1, layer 2 or both); their batch norms stay live, as published, unless asked.
"""

from __future__ import annotations

from functools import lru_cache

from tl_jax.errors import InputError
from tl_jax.transfer.strategies import FAMILIES, Registered, block
from tl_jax.trees import all_but
from tl_jax.types import Transfer

BEGINNING, NORMALISATION = "fine_tune_but_", "_bn"


@lru_cache
def fine_tune_but(numbers: tuple[int, ...], normalisation: bool = False) -> Registered:
    """The strategy that fine-tunes all of the source but the layers of some numbers.

    normalisation: their batch norms are frozen as well, statistics included: the layer then uses the source's.
    """
    if not numbers or len(set(numbers)) < len(numbers) or min(numbers) < 1:
        raise InputError(f"layers {numbers} cannot be frozen; name each of 1, 2, ... once")

    def function(source, fresh):
        patterns = block(fresh["params"], *numbers)
        frozen = [name for name in patterns if normalisation or name.startswith("layer")]
        return Transfer(source, all_but(source["params"], *frozen))

    which = "".join(map(str, sorted(numbers)))
    return Registered(f"{BEGINNING}{which}{NORMALISATION if normalisation else ''}", function, True, True)


def by_name(rest: str) -> Registered:
    """The strategy whose name ends so: "12" or "12_bn"."""
    digits = rest.removesuffix(NORMALISATION)
    if not digits.isdecimal():
        raise InputError(f"no strategy '{BEGINNING}{rest}'; name the layers to freeze, such as {BEGINNING}12")
    return fine_tune_but(tuple(map(int, digits)), rest != digits)


FAMILIES[BEGINNING] = by_name
