"""Genes whose expression is known to go with resistance to a drug, or with sensitivity: hints on a response's sign.

Each row: what the drugs are, the gene, +1 where high expression goes with resistance, and the source. They hold on
average over many tumours; a small cohort may go the other way by chance.
"""

from __future__ import annotations

from typing import NamedTuple

DNA_DAMAGING = (
    "oxaliplatin",
    "cisplatin",
    "irinotecan",
    "sn-38",
    "topotecan",
    "camptothecin",
    "etoposide",
    "epirubicin",
)
MICROTUBULE = ("paclitaxel", "docetaxel", "vinblastine", "vincristine", "vinorelbine")
EGFR_DRUGS = ("gefitinib", "erlotinib", "afatinib", "osimertinib", "lapatinib")


class Sign(NamedTuple):
    """resistant: +1 where high expression goes with resistance, -1 where it goes with sensitivity."""

    gene: str
    resistant: int
    source: str


SIGNS: dict[str, list[Sign]] = {}


def _add(drugs: tuple[str, ...], *signs: Sign) -> None:
    for drug in drugs:
        SIGNS.setdefault(drug, []).extend(signs)


_add(("temozolomide",), Sign("MGMT", 1, "Hegi et al. 2005"))
_add(DNA_DAMAGING, Sign("SLFN11", -1, "Zoppoli et al. 2012"))
_add(MICROTUBULE, Sign("ABCB1", 1, "Szakacs et al. 2004"))
_add(("tanespimycin", "17-aag"), Sign("NQO1", -1, "Barretina et al. 2012"))
_add(EGFR_DRUGS, Sign("EGFR", -1, "Barretina et al. 2012"))
_add(("nutlin-3a", "nutlin-3a (-)"), Sign("MDM2", -1, "Barretina et al. 2012"))
_add(("lapatinib",), Sign("ERBB2", -1, "Barretina et al. 2012"))
_add(("venetoclax",), Sign("BCL2", -1, "Souers et al. 2013"))
