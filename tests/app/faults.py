"""Two small tables of a laboratory, and one fault of each kind that such tables have: what a page must say of it."""

from typing import NamedTuple

import numpy as np
import pandas as pd

NAMES = (
    "TP53 EGFR PTEN MGMT MYC GATA3 CD93 LRP6 ABAT BCAR1 KRAS NRAS BRAF CDK4 CDK6 RB1 E2F1 MDM2 ATM ATR BRCA1 BRCA2 "
    "PARP1 MLH1 MSH2 MSH6 ERBB2 ERBB3 MET KIT PDGFRA VEGFA HIF1A STAT3 JAK2 SOX2 NES GFAP OLIG2 VIM CDH1 CDH2 FN1 "
    "SNAI1 ZEB1 TWIST1 MKI67 PCNA TOP2A AURKA"
)
GENES = NAMES.split()
SAMPLES = [f"P{number:02d}" for number in range(1, 25)]
DRUG = "Temozolomide"


class Fault(NamedTuple):
    """Two tables as they are brought ({name: content}), what the page says, and whether it stops there."""

    expression: tuple[str, bytes]
    response: tuple[str, bytes]
    says: tuple[str, ...]
    stops: bool = True


def genes_by_samples() -> pd.DataFrame:
    values = np.random.default_rng(3).normal(7, 2, (len(GENES), len(SAMPLES))).clip(0, 14).round(3)
    return pd.DataFrame(values, index=pd.Index(GENES, name="gene"), columns=SAMPLES)


def answers(column: str = "viability") -> pd.DataFrame:
    return pd.DataFrame({"sample": SAMPLES, column: np.random.default_rng(4).uniform(30, 90, 24).round(2)})


def csv(rows: pd.DataFrame, **how) -> bytes:
    return rows.to_csv(**how).encode()


def whole() -> tuple[tuple[str, bytes], tuple[str, bytes]]:
    """Two tables without a fault."""
    return ("expression.csv", csv(genes_by_samples())), ("response.csv", csv(answers(), index=False))


def of_response(rows: pd.DataFrame, *says: str, stops: bool = True) -> Fault:
    return Fault(whole()[0], ("response.csv", csv(rows, index=False)), says, stops)


def of_expression(content: bytes, *says: str, stops: bool = True, name: str = "expression.csv") -> Fault:
    return Fault((name, content), whole()[1], says, stops)


def one_cell(rows: pd.DataFrame, row: int, column: str, value) -> pd.DataFrame:
    rows = rows.astype({column: object})
    rows.loc[rows.index[row], column] = value
    return rows


def faults() -> dict[str, Fault]:
    """{kind: fault}."""
    genes, plain = genes_by_samples(), answers()
    wide = plain.rename(columns={"viability": "CCNU"}).assign(Dacarbazine=plain["viability"] + 1)
    doses = pd.concat([plain.assign(dose_uM=dose) for dose in (0.1, 1.0)])
    thousands = plain.assign(viability=[f"{value:,.0f}" for value in plain["viability"] * 100])
    serial = genes.rename({"CDH1": "44256"})
    normal = genes.rename(columns={name: f"TCGA-06-01{name[1:]}-01A" for name in SAMPLES})
    normal = normal.assign(**{"TCGA-06-0101-11A": normal.iloc[:, 0] + 1})
    patients = plain.assign(sample=[f"TCGA-06-01{name[1:]}" for name in SAMPLES])
    shifted = (
        " ".join(SAMPLES)
        + "\n"
        + "\n".join("\t".join(map(str, (g, *v))) for g, v in zip(GENES, genes.to_numpy(), strict=True))
    )
    return {
        "a drug that is not there": of_response(wide, "has no drug", "'CCNU'", "--drug"),
        "survival of patients": of_response(answers("overall_survival_days"), "--direction=resistant"),
        "several doses in one column": of_response(doses, "no repeats", "--response_keys=", "dose_uM"),
        "-999 for a missing value": of_response(one_cell(plain, 2, "viability", -999), "missing = ["),
        "thousands with commas": of_response(thousands, "thousands = ", "--response_keys="),
        "no sample in both": of_response(plain.assign(sample=[f"Q{k}" for k in range(24)]), "expression.csv"),
        "an empty table": of_response(plain[:0], "response.csv"),
        "a picture in place of a table": of_expression(b"\x89PNG\r\n\x1a\n\x00\x00" * 20, "expression.csv"),
        "a cell of text": of_response(one_cell(plain, 5, "viability", "ND"), "'ND'", "missing value", stops=False),
        "a broken formula": of_expression(csv(one_cell(genes, 4, "P04", "#DIV/0!")), "#DIV/0!", stops=False),
        "a gene that became a date": of_expression(csv(serial), "'44256'", "dates", stops=False),
        "another spelling of names": of_response(
            plain.assign(sample=[name.lower() for name in SAMPLES]), "without regard to case", stops=False
        ),
        "normal tissue beside tumours": Fault(
            ("expression.csv", csv(normal)), ("response.csv", csv(patients, index=False)), ("normal tissue",), False
        ),
        "a heading that lacks a name": of_expression(
            shifted.encode(), "24 samples are in both tables", stops=False, name="expression.txt"
        ),
        "semicolons and decimal commas": of_expression(
            csv(genes, sep=";", decimal=","), "separator = 'semicolon'", stops=False
        ),
    }
