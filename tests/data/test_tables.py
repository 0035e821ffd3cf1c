"""Every ending is read, either orientation is recognised, and each fault gives one line with a remedy."""

import gzip
import zipfile

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tl_jax.data.cohort.tables import read_expression
from tl_jax.data.tables.raw_tables import read_table
from tl_jax.errors import InputError

GENES = ["MGMT", "TP53", "EGFR"]
SAMPLES = ["a1", "b2"]
VALUES = np.array([[1.5, 2, 3], [4, 5, 6.25]])


def frame():
    table = pd.DataFrame(VALUES, columns=GENES)
    table.insert(0, "line", SAMPLES)
    return table


def write(folder, text, name="t.csv"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def refused(path, match, **options):
    """One line that begins with, or names, the file."""
    with pytest.raises(InputError, match=match) as error:
        read_expression(path, **{"orientation": "samples", **options})
    assert path.name in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "name", ["t.csv", "t.tsv", "t.txt", "t.csv.gz", "t.tsv.gz", "t.parquet", "t.xlsx", "t.txt.zip"]
)
def test_every_ending(tmp_path, name):
    path = tmp_path / name
    if name.endswith(".parquet"):
        frame().set_index("line").to_parquet(path)
    elif name.endswith(".xlsx"):
        frame().to_excel(path, index=False)
    else:
        frame().to_csv(path, index=False, sep="," if ".csv" in name else "\t")
    x, samples, genes = read_expression(path, orientation="samples")
    np.testing.assert_array_equal(x, VALUES.astype(np.float32))
    assert x.dtype == np.float32
    assert (samples.tolist(), genes.tolist()) == (SAMPLES, GENES)


def test_parquet_inside_gz(tmp_path):
    frame().to_parquet(tmp_path / "t.parquet")
    path = write(tmp_path, gzip.compress((tmp_path / "t.parquet").read_bytes()), "u.parquet.gz")
    pd.testing.assert_frame_equal(read_table(path), frame(), check_dtype=False)


def test_packed_file_stands_in_for_the_plain_name(tmp_path):
    write(tmp_path, gzip.compress(b"line,A\nx,1\n"), "t.csv.gz")
    assert read_table(tmp_path / "t.csv")["A"].tolist() == [1]


def test_r_style_row_names_blanks_and_byte_order_mark(tmp_path):
    spaced = read_table(write(tmp_path, '"s1" "s2"\n"MGMT" 1 2\n"TP53" 3 4\n', "t.txt"))
    assert spaced.iloc[:, 0].tolist() == ["MGMT", "TP53"]
    assert spaced["s2"].tolist() == [2, 4]
    marked = read_table(write(tmp_path, b"\xef\xbb\xbfline,A\r\nx,1\r\n"))
    assert marked.columns.tolist() == ["line", "A"]


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(2)), st.permutations(range(3)), st.booleans())
def test_permuted_or_turned_tables_give_the_same_values(tmp_path_factory, rows, columns, turned):
    table = pd.DataFrame(VALUES, SAMPLES, GENES).iloc[rows, columns]
    path = tmp_path_factory.mktemp("turn") / "t.csv"
    (table.T if turned else table).to_csv(path)
    x, samples, genes = read_expression(path, known_genes=["TP53", "MGMT", "absent"])
    found = pd.DataFrame(x, samples, genes).loc[SAMPLES, GENES]
    np.testing.assert_array_equal(found, VALUES.astype(np.float32))


def test_orientation_by_known_samples_and_by_named_column(tmp_path):
    path = write(tmp_path, "gene,a1,b2\nMGMT,1,4\nTP53,2,5\n")
    for options in ({"known_samples": SAMPLES}, {"gene_column": "gene"}):
        _, samples, genes = read_expression(path, **options)
        assert (samples.tolist(), genes.tolist()) == (SAMPLES, GENES[:2])


def test_contradicted_orientation(tmp_path):
    path = write(tmp_path, "gene,a1,b2\nMGMT,1,4\nTP53,2,5\n")
    refused(path, "by their names the rows hold genes.*'MGMT'.*set orientation = 'genes'", known_genes=GENES)
    path = write(tmp_path, "line,MGMT,TP53\na1,1,4\nb2,2,5\n")
    refused(path, "rows hold samples.*set orientation = 'samples'", known_samples=SAMPLES, orientation="genes")


def test_unrecognisable_orientation(tmp_path):
    path = write(tmp_path, "line,ENSG1\nz,1\n")
    match = "neither rows nor columns hold known names.*'z'.*'ENSG1'.*'EGFR'.*set orientation"
    refused(path, match, orientation="auto", known_genes=GENES)


def test_missing_file_names_near_ones(tmp_path):
    write(tmp_path, "line,A\nx,1\n", "expression.csv")
    refused(tmp_path / "expresion.csv", "no file.*did you mean 'expression.csv'")


def test_missing_folder_and_folder_as_file(tmp_path):
    refused(tmp_path / "none" / "t.csv", "there is no folder.*correct the path or --data_dir")
    refused(tmp_path, "is a folder; name a table file")


def test_unknown_ending(tmp_path):
    refused(write(tmp_path, "x", "t.rds"), r"unknown ending '.rds'; save the table as one of .csv")


def test_empty_and_heading_only(tmp_path):
    refused(write(tmp_path, ""), "is empty; save the table again")
    refused(write(tmp_path, "line,A\n"), "holds a heading but no rows; save")


def test_not_utf8(tmp_path):
    refused(
        write(tmp_path, "line,A\nM\xfcller,1\n".encode("latin-1")),
        "is not UTF-8 text .byte 8, line 2.; save it again as UTF-8",
    )


def test_corrupt_files(tmp_path):
    whole = gzip.compress(b"line,A\n" + b"x,1\n" * 100)
    refused(write(tmp_path, whole[:-20], "t.csv.gz"), "is not a whole .gz file.*fetch or save it again")
    refused(write(tmp_path, b"text", "t.csv.gz"), "is not a whole .gz file")
    refused(write(tmp_path, b"PK text", "t.txt.zip"), "is not a whole .zip file")
    refused(write(tmp_path, b"PAR1 text", "t.parquet"), "is not a whole .parquet file.*fetch or save it again")
    refused(write(tmp_path, b"text", "t.xlsx"), "is not a whole .xlsx workbook.*fetch or save it again")


def test_zip_of_two_files(tmp_path):
    with zipfile.ZipFile(tmp_path / "t.csv.zip", "w") as archive:
        archive.writestr("a.csv", "a")
        archive.writestr("b.csv", "b")
    refused(tmp_path / "t.csv.zip", "packs 2 files .'a.csv', 'b.csv'.; name the one table with member")


def test_wrong_separator_and_ragged_rows(tmp_path):
    refused(write(tmp_path, "line A\nx\n"), "has one column only; the separator of .csv is a comma")
    refused(write(tmp_path, "line\nx\n", "t.txt"), "has one column only; the separator of .txt is a tab")
    refused(write(tmp_path, "line,A\nx,1\ny,1,2,3\n"), "is not a regular table.*give every row as many fields")


def test_repeated_column(tmp_path):
    refused(write(tmp_path, "line,A,B,A\nx,1,2,3\n"), "column 'A' occurs 2 times; rename or drop it")


def test_repeated_sample(tmp_path):
    path = write(tmp_path, "line,A\nx,1\nx,3\n")
    refused(path, "sample 'x' occurs 2 times; rename or drop.*duplicate_samples = 'mean'")
    x, samples, _ = read_expression(path, orientation="samples", duplicate_samples="mean")
    assert (x.tolist(), samples.tolist()) == ([[2.0]], ["x"])


def test_repeated_gene(tmp_path):
    path = write(tmp_path, "gene,x,y\nA,1,2\nB,0,0\nA,3,6\n")
    refused(path, "gene 'A' occurs 2 times; keep one row.*duplicate_genes = 'mean'", orientation="genes")
    x, _, genes = read_expression(path, orientation="genes", duplicate_genes="mean")
    assert (x.tolist(), genes.tolist()) == ([[2.0, 0.0], [4.0, 0.0]], ["A", "B"])


def test_cut_names_fall_together(tmp_path):
    path = write(tmp_path, "gene,U3008,U3008.1,U3020\nA,1,3,7\n")
    x, samples, _ = read_expression(path, orientation="genes", sample_prefix_length=5)
    assert (x.tolist(), samples.tolist()) == ([[2.0], [7.0]], ["U3008", "U3020"])


def test_pattern_that_finds_nothing(tmp_path):
    path = write(tmp_path, "line,A\nx1,1\nyy,3\n")
    refused(path, r"sample_pattern '\\d' finds nothing in the name 'yy'; correct it", sample_pattern=r"\d")


def test_missing_values(tmp_path):
    path = write(tmp_path, "line,A,B,C,D\nx,1,,,3\ny,1,2,,4\n")
    refused(path, "3 missing values in 2 genes, first in gene 'B' of sample 'x'; fill them in.*'drop_genes'")
    x, _, genes = read_expression(path, orientation="samples", missing_values="drop_genes")
    assert (x.tolist(), genes.tolist()) == ([[1.0, 3.0], [1.0, 4.0]], ["A", "D"])


def test_every_gene_missing(tmp_path):
    path = write(tmp_path, "line,A\nx,\ny,2\n")
    refused(path, "1 of 1 genes .100%. have a missing value .*fill them in", missing_values="drop_genes")


def test_infinite_values(tmp_path):
    refused(write(tmp_path, "line,A,B\nx,1,2\ny,1,-inf\n"), "1 infinite values, first in column 'B', row 'y'; correct")


def test_text_among_numbers(tmp_path):
    path = write(tmp_path, 'line,A,B\nx,1,2\ny,1,"5,3"\n')
    refused(path, "'5,3' in column 'B', row 'y' is not a number; if that is a decimal comma, set decimal")
    x, _, genes = read_expression(path, orientation="samples", ignore_columns=("B",))
    assert (x.tolist(), genes.tolist()) == ([[1.0], [1.0]], ["A"])
    refused(write(tmp_path, "line,A\nx,True\ny,False\n"), "'True' in column 'A', row 'x' is not a number")


def test_empty_name(tmp_path):
    refused(write(tmp_path, "line,A\nx,1\n,3\n"), "the sample name in data row 2 is empty; name it or drop the row")


def test_unknown_columns(tmp_path):
    path = write(tmp_path, "line,A\nx,1\n")
    refused(path, "no column 'lines' .sample_column.; did you mean 'line'", sample_column="lines")
    refused(path, "no column 'AA' .ignore_columns.; did you mean 'A'", ignore_columns=("AA",))


def test_numbers_as_names_lose_their_decimal(tmp_path):
    table = pd.DataFrame({"id": [683667.0, 905955.0], "A": [1.0, 2.0]})
    table.to_excel(tmp_path / "t.xlsx", index=False)
    _, samples, _ = read_expression(tmp_path / "t.xlsx", orientation="samples")
    assert samples.tolist() == ["683667", "905955"]


@pytest.mark.parametrize("text", ["1_000", "１２", "٣", "1e", "0x1F", "TRUE", "5%", "=1+1", "2024-01-05"])  # noqa: RUF001
def test_what_only_python_or_a_spreadsheet_takes_for_a_number(tmp_path, text):
    (tmp_path / "t.csv").write_text(f"sample,A,B\ns1,1,2\ns2,{text},3\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"in column 'A', row 's2' is not a number"):
        read_expression(tmp_path / "t.csv", orientation="samples")


def test_a_true_cell_among_the_numbers_of_a_workbook(tmp_path):
    pd.DataFrame({"sample": ["s1", "s2"], "A": [True, 1.5], "B": [1, 2]}).to_excel(tmp_path / "t.xlsx", index=False)
    with pytest.raises(InputError, match="'True' in column 'A', row 's1' is not a number"):
        read_expression(tmp_path / "t.xlsx", orientation="samples")


def test_a_number_that_becomes_infinite_in_float32(tmp_path):
    (tmp_path / "t.csv").write_text("sample,A,B\ns1,1,2\ns2,1e300,3\n")
    with pytest.raises(InputError, match=r"1 values over 1e\+18, first in column 'A', row 's2'"):
        read_expression(tmp_path / "t.csv", orientation="samples")


def test_a_message_neither_moves_the_cursor_nor_fills_the_terminal(tmp_path):
    name = "\x1b[2J\u202e" + "x" * 5000
    (tmp_path / "t.csv").write_text(f"sample,{name},B\ns1,1,2\ns2,,3\n", encoding="utf-8")
    with pytest.raises(InputError, match="1 missing values") as error:
        read_expression(tmp_path / "t.csv", orientation="samples")
    message = str(error.value)
    assert message.isprintable()
    assert len(message) <= 600
    assert message.endswith("set missing_values = 'drop_genes'")


def test_a_flipped_bit_in_a_parquet_file_that_has_checksums(tmp_path):
    pq = pytest.importorskip("pyarrow.parquet")
    frame = pd.DataFrame({"sample": [f"s{i}" for i in range(50)], "A": np.arange(50) / 8, "B": 1.0})
    table = pq.read_table(frame.to_parquet(tmp_path / "t.parquet", index=False) or tmp_path / "t.parquet")
    pq.write_table(table, tmp_path / "t.parquet", write_page_checksum=True, use_dictionary=False, compression="none")
    content = bytearray((tmp_path / "t.parquet").read_bytes())
    content[content.index(np.float64(3.125).tobytes()) + 5] ^= 1
    (tmp_path / "t.parquet").write_bytes(content)
    with pytest.raises(InputError, match=r"t.parquet is not a whole .parquet file"):
        read_expression(tmp_path / "t.parquet", orientation="samples")
