"""The cell cycle of lines and cells, and what it explains of every gene, taken out.

Genes of the S and the G2/M phase: Tirosh et al. 2016 (Nature 539:309, doi 10.1038/nature20123, supplement), the list
that Seurat ships as `cc.genes`, with JPT1 for HN1, a name of several genes. Scores by scanpy's score_genes_cell_cycle.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from tl_jax.data.cells.steps import scanpy_for
from tl_jax.data.genes.names import translate
from tl_jax.errors import InputError

IN_S = (
    "MCM5 PCNA TYMS FEN1 MCM2 MCM4 RRM1 UNG GINS2 MCM6 CDCA7 DTL PRIM1 UHRF1 MLF1IP HELLS RFC2 RPA2 NASP RAD51AP1 "
    "GMNN WDR76 SLBP CCNE2 UBR7 POLD3 MSH2 ATAD2 RAD51 RRM2 CDC45 CDC6 EXO1 TIPIN DSCC1 BLM CASP8AP2 USP1 CLSPN POLA1 "
    "CHAF1B BRIP1 E2F8"
)
IN_G2M = (
    "HMGB2 CDK1 NUSAP1 UBE2C BIRC5 TPX2 TOP2A NDC80 CKS2 NUF2 CKS1B MKI67 TMPO CENPF TACC3 FAM64A SMC4 CCNB2 CKAP2L "
    "CKAP2 AURKB BUB1 KIF11 ANP32E TUBB4B GTSE1 KIF20B HJURP CDCA3 JPT1 CDC20 TTK CDC25C KIF2C RANGAP1 NCAPD2 DLGAP5 "
    "CDCA2 CDCA8 ECT2 KIF23 HMMR AURKA PSRC1 ANLN LBR CKAP5 CENPE CTCF NEK2 G2E3 GAS2L3 CBX5 CENPA"
)
S, G2M = tuple(IN_S.split()), tuple(IN_G2M.split())
FEWEST = 10  # genes of a phase
FLAG = "--cell_cycle"


def cycle_scores(x: np.ndarray | sparse.csr_matrix, genes: np.ndarray, whose: str) -> np.ndarray:
    """(n, 2) scores of the S and the G2/M phase of log values (n, genes).

    Args:
        genes: current symbols. whose: "lines" or "cells", for the message.
    Raises:
        InputError: fewer than 10 genes of a phase are there, or scanpy is not.
    """
    scanpy, anndata = scanpy_for(FLAG)
    found = [[gene for gene in translate(list(names)).names if gene in set(genes)] for names in (S, G2M)]
    for phase, names in zip(("S", "G2/M"), found, strict=True):
        if len(names) < FEWEST:
            raise InputError(
                f"{FLAG}: {whose} have {len(names)} genes of the {phase} phase; {FEWEST} are needed. Leave it out"
            )
    held = anndata.AnnData(x.copy())
    held.var_names = np.asarray(genes, dtype=str)
    scanpy.tl.score_genes_cell_cycle(held, s_genes=found[0], g2m_genes=found[1])
    return held.obs[["S_score", "G2M_score"]].to_numpy(np.float64)


def less_cycle(x: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, float]:
    """((n, genes) less what both scores explain by least squares, each gene's mean kept; the share of variance that
    went)."""
    own = scores - scores.mean(axis=0)
    centred = x - x.mean(axis=0)
    fitted = own @ np.linalg.lstsq(own, centred, rcond=None)[0]
    total = float(np.square(centred, dtype=np.float64).sum())
    share = float(np.square(fitted).sum()) / total if total > 0 else 0.0
    return (x - fitted).astype(x.dtype), share
