"""The script that builds the table of gene names: from small sources of each kind, and from the real ones."""

import gzip
import importlib.util
import os
import sqlite3
from pathlib import Path

import pytest

from tl_jax.data.genes.table import COLUMNS, FILE
from tl_jax.system.files import digest

ROOT = Path(__file__).resolve().parents[2]
HGNC = """hgnc_id\tsymbol\tname\tstatus\talias_symbol\tprev_symbol\tentrez_id\tensembl_gene_id
HGNC:1\tTP53\ttumour\tApproved\t"p53|LFS1"\t\t7157\tENSG00000141510
HGNC:2\tMARCHF1\tmembrane\tApproved\tRNF171\tMARCH1|LFS1\t55016\tENSG00000145416
HGNC:3\tOLD\tgone\tEntry Withdrawn\t\t\t\t
HGNC:4\tMT-ND1\tnadh\tApproved\tND1\tMTND1\t4535\tENSG00000198888
"""
TO_HUMAN = """Gene stable ID,Gene name,Human gene name,Human gene stable ID
ENSMUSG00000059552,Trp53,TP53,ENSG00000141510
ENSMUSG00000036469,Marchf1,MARCHF1,ENSG00000000000
ENSMUSG00000000001,Lonely,,
"""
TO_MOUSE = "Gene stable ID,Gene name\nENSG00000198888,MT-ND1\nENSG00000141510,TP53\n"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("build_genes", ROOT / "tools" / "build_genes.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def biomart(tmp_path):
    (tmp_path / "mouse_to_human.csv").write_text(TO_HUMAN)
    (tmp_path / "human_to_mouse.csv").write_text(TO_MOUSE)
    return tmp_path


def read(content: bytes) -> dict[str, dict[str, str]]:
    _, heading, *lines = gzip.decompress(content).decode().splitlines()
    assert tuple(heading.split("\t")) == COLUMNS
    return {line.split("\t")[0]: dict(zip(COLUMNS, line.split("\t"), strict=True)) for line in lines}


def test_from_hgnc(script, biomart):
    (biomart / "hgnc_complete_set.txt").write_text(HGNC)
    content = script.build(None, biomart, biomart / "hgnc_complete_set.txt")
    rows = read(content)
    assert list(rows) == ["MARCHF1", "MT-ND1", "TP53"]
    assert rows["TP53"]["aliases"] == "LFS1|p53"
    assert rows["MARCHF1"] | {"mouse": ""} == dict(
        zip(COLUMNS, ("MARCHF1", "55016", "ENSG00000145416", "LFS1|MARCH1", "RNF171", ""), strict=True)
    )
    assert rows["MARCHF1"]["mouse"] == "Marchf1:ENSMUSG00000036469"  # by symbol where the Ensembl id is unknown
    assert content == script.build(None, biomart, biomart / "hgnc_complete_set.txt")


def test_from_ncbi(script, biomart):
    genes = [
        # _id, Entrez, symbol, type, Ensembl ids, aliases
        (1, "7157", "TP53", "protein-coding", ["ENSG00000141510"], ["P53", "TP53"]),
        (2, "4535", "ND1", "protein-coding", ["ENSG00000198888"], ["MTND1"]),
        (3, "1", "TWICE", "protein-coding", ["ENSG00000000001"], []),
        (4, "2", "TWICE", "pseudo", [], []),
        (5, "3", "LOC3", "ncRNA", [], []),
        (6, "4", "SITE", "biological-region", ["ENSG00000000004"], []),
        (7, "5", "LOCUS", "unknown", [], []),
    ]
    with sqlite3.connect(biomart / "org.sqlite") as base:
        for name, columns in [
            ("genes", "_id, gene_id"), ("gene_info", "_id, symbol"), ("genetype", "_id, gene_type"),
            ("ensembl", "_id, ensembl_id"), ("alias", "_id, alias_symbol"), ("metadata", "name, value"),
        ]:  # fmt: skip
            base.execute(f"create table {name} ({columns})")
        base.execute("insert into metadata values ('EGSOURCEDATE', '2022-Sep12')")
        for key, entrez, symbol, kind, ids, aliases in genes:
            base.execute("insert into genes values (?, ?)", (key, entrez))
            base.execute("insert into gene_info values (?, ?)", (key, symbol))
            base.execute("insert into genetype values (?, ?)", (key, kind))
            base.executemany("insert into ensembl values (?, ?)", [(key, one) for one in ids])
            base.executemany("insert into alias values (?, ?)", [(key, one) for one in aliases])
    base.close()
    rows = read(script.build(biomart / "org.sqlite", biomart, None))
    assert list(rows) == ["MT-ND1", "TP53", "TWICE"]
    assert rows["MT-ND1"]["aliases"] == "MTND1|ND1"
    assert rows["TWICE"]["entrez"] == "1"
    assert rows["TP53"]["mouse"] == "Trp53:ENSMUSG00000059552"


def test_shipped_table_is_what_the_sources_give(script):
    """The text is compared, since another zlib may pack it otherwise."""
    folder = Path(os.environ.get("TLJAX_GENES", ""))
    if not (folder / "org.Hs.eg.sqlite").is_file():
        pytest.skip("no org.Hs.eg.sqlite and mouse_to_human.csv; name their folder in TLJAX_GENES (docs/genes.md)")
    built = script.build(folder / "org.Hs.eg.sqlite", folder, None)
    assert digest(gzip.decompress(built).decode()) == digest(gzip.decompress(FILE.read_bytes()).decode())
