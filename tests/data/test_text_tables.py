"""How tables in text stand in the wild: each form is read exactly, or refused with the remedy, never shifted."""

import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tl_jax.data.cohort.tables import read_expression
from tl_jax.data.tables.headings import check_heading, named_columns, unique_names
from tl_jax.data.tables.layouts import Layout
from tl_jax.data.tables.numbers import as_numbers
from tl_jax.data.tables.raw_tables import read_table
from tl_jax.errors import InputError

EXPECTED = pd.DataFrame({"gene": ["MGMT", "TP53"], "s1": [1.5, 2.0], "s2": [-3.0, 1000.25]})


def write(folder, text, name="t.csv"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def refused(path, match, layout=None):
    with pytest.raises(InputError, match=match) as error:
        read_table(path, layout=layout)
    assert path.name in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 700


def read(path, **layout):
    """The table under the first column's name of EXPECTED."""
    frame = read_table(path, layout=Layout(**layout))
    return frame.rename(columns={frame.columns[0]: "gene"})


PLAIN = "gene,s1,s2\nMGMT,1.5,-3\nTP53,2,1000.25\n"


@pytest.mark.parametrize(
    ("name", "text", "layout"),
    [
        ("t.csv", PLAIN, {}),
        ("t.csv", PLAIN.replace("\n", "\r\n"), {}),
        ("t.csv", PLAIN.replace("\n", "\r"), {}),
        ("t.csv", b"\xef\xbb\xbf" + PLAIN.encode(), {}),
        ("t.csv", PLAIN.rstrip("\n"), {}),
        ("t.csv", "\n\n" + PLAIN, {}),
        ("t.csv", PLAIN.replace("gene", "", 1), {}),
        ("t.csv", PLAIN.replace("gene", '""', 1), {}),
        ("t.csv", '"s1","s2"\n"MGMT",1.5,-3\n"TP53",2,1000.25\n', {}),
        ("t.tsv", "s1\ts2\nMGMT\t1.5\t-3\nTP53\t2\t1000.25\n", {}),
        ("t.txt", '"s1" "s2"\n"MGMT" 1.5 -3\n"TP53" 2 1000.25\n', {}),
        ("t.txt", "gene   s1 s2  \nMGMT  1.5 -3  \nTP53  2   1000.25 \n", {}),
        ("t.tsv", "gene\ts1\ts2\t\nMGMT\t1.5\t-3\t\nTP53\t2\t1000.25\t\n", {}),
        ("t.tsv", "gene\ts1\ts2\t\t\nMGMT\t1.5\t-3\t\t\nTP53\t2\t1000.25\t\t\n", {}),
        ("t.tsv", "gene\ts1\ts2\nMGMT\t1.5\t-3\t\nTP53\t2\t1000.25\t\n", {}),
        ("t.csv", PLAIN + ",,\n", {}),
        ("t.csv", "gene;s1;s2\nMGMT;1,5;-3\nTP53;2;1000,25\n", {"separator": ";", "decimal": ","}),
        ("t.csv", PLAIN.replace(",", "\t"), {"separator": "tab"}),
        ("t.txt", PLAIN, {"separator": ","}),
        ("t.txt", PLAIN.replace(",", "|"), {"separator": "|"}),
        ("t.csv", PLAIN.replace(",", ";"), {}),
        ("t.csv", PLAIN.replace(",", "\t"), {}),
        ("t.tsv", PLAIN, {}),
        ("t.txt", PLAIN.replace(",", "|"), {}),
        ("t.csv", "gene;s1;s2\nMGMT;1,5;-3\nTP53;2;1000,25\n", {}),
        ("t.tsv", "gene\ts1\ts2\nMGMT\t1,5\t-3\nTP53\t2\t1000,25\n", {}),
        ("t.csv", "s1;s2\nMGMT;1,5;-3\nTP53;2;1000,25\n", {}),
        ("t.txt", "s1 s2\nMGMT\t1.5\t-3\nTP53\t2\t1000.25\n", {}),
        ("t.csv", "s1;s2\nMGMT,1.5,-3\nTP53,2,1000.25\n", {}),
        ("t.txt", '"gene" "s1" "s2"\nMGMT\t1.5\t-3\nTP53\t2\t1000.25\n', {}),
        ("t.csv", "sep=;\n" + PLAIN.replace(",", ";"), {}),
        ("t.csv", '"sep=,"\n' + PLAIN, {}),
        ("t.csv", "# made by hand\n# version 2\n" + PLAIN, {}),
        ("t.csv", "Supplementary Table 3. Expression,,\n\n" + PLAIN, {}),
        ("t.csv", "Table S3: expression, log2\n" + PLAIN, {}),
        ("t.csv", ",gene,s1,s2\n0,MGMT,1.5,-3\n1,TP53,2,1000.25\n", {}),
        ("t.csv", '"","gene","s1","s2"\n"1","MGMT",1.5,-3\n"2","TP53",2,1000.25\n', {}),
        ("t.csv", PLAIN.replace("1000.25", '"1,000.25"'), {"thousands": ","}),
        ("t.csv", PLAIN.replace("1.5", " 1.50 "), {}),
        ("t.csv", "# made by hand\r\n\r\n" + PLAIN, {"header_row": 3}),
        ("t.csv", 'a note, with "quotes\n' + PLAIN, {"header_row": 2}),
    ],
)
def test_forms_that_mean_the_same_table(tmp_path, name, text, layout):
    found = read(write(tmp_path, text, name), **layout)
    found = found.assign(s1=as_numbers(found["s1"]))  # 1.50 may be a name, and stays a text until it is asked for
    pd.testing.assert_frame_equal(found, EXPECTED, check_dtype=False)


@pytest.mark.parametrize(
    ("name", "text", "match", "layout"),
    [
        ("t.csv", PLAIN, "has one column only.*so correct the key 'separator'", {"separator": ";"}),
        (
            "t.csv",
            "gene,s1\nA,1,234\nB,2,345\n",
            "rows have 3 fields, the heading 2, .*'gene'; .*without thousands",
            {},
        ),
        ("t.csv", "gene,s1\nA,1\nB,2,345\n", "rows have 3 fields, the heading 2", {}),
        ("t.csv", "gene,s1\nA,1\nB,2,3,4\n", "data row 2 has 4 fields, the heading 2; give.*or set header_row", {}),
        (
            "t.csv",
            "gene,s1\n" + "A,1\n" * 99 + "B,2,3\n",
            "not a regular table.*Expected 2 fields in line 101, saw 3",
            {},
        ),
        ("t.tsv", "gene\ts1\nA\t1\nB\t2\t\n", "is not a regular table", {}),
        ("t.csv", "gene,s1,\nA,1,2\nB,2,3\n", "column 3 has values but no heading; name it, or set header_row", {}),
        ("t.csv", "gene,s1,s2\nA,1,2\nB,2", "ends in the middle of a row .2 of 3 fields.; fetch", {}),
        ("t.csv", 'gene,s1\n"A,1\nB,2\n', "is not a regular table", {}),
        ("t.csv", "note\n", "has fewer than 3 lines; correct header_row", {"header_row": 3}),
        ("t.csv", b"\xff\xfeg", "begins as UTF-16 text and is none", {}),
        ("t.csv", b"gene,s1\nA\0,1\n", "is no text, since it has a zero byte", {}),
        ("t.csv", "<!DOCTYPE html><html>404</html>", "is a web page, not a table; fetch it again", {}),
        ("t.txt", "\n <HTML><body>a\tb</body>", "is a web page, not a table; fetch it again", {}),
        ("t.csv", b"\x1f\x8b\x08\0", "is a .gz file by its content; rename it", {}),
        ("t.csv", b"PK\x03\x04\x14\0", "is a .zip .or .xlsx. file by its content; rename it", {}),
        ("t.txt", "#1.2\n1\t1\nName\tDescription\ts\nA\tA\t1\n", "is a .gct file by its content; .*format = 'gct'", {}),
        ("t.txt", '!Series_title\t"x"\n', "is a GEO series matrix; .*format = 'geo_series_matrix'", {}),
        ("t.csv", PLAIN, "the key 'sheet' changes nothing for a .csv file; remove it", {"sheet": "one"}),
        ("t.csv", PLAIN, "is no .zip file, so member = 'x' changes nothing; remove it", {"member": "x"}),
    ],
)
def test_forms_that_are_refused(tmp_path, name, text, match, layout):
    refused(write(tmp_path, text, name), match, Layout(**layout))


def test_decimal_comma_leaves_points_of_thousands_as_text(tmp_path):
    path = write(tmp_path, "gene;s1\nA;1,5\nB;1.234,5\n")
    with pytest.raises(InputError, match=r"'1.234,5' in column 's1', row 'B' is not a number"):
        read_expression(path, orientation="genes", separator=";", decimal=",")


def test_quoted_thousands_are_refused_with_the_remedy(tmp_path):
    path = write(tmp_path, 'gene,s1\nA,"1,234"\nB,5\n')
    match = "'1,234' in column 's1', row 'A' is not a number; save the table without thousands commas"
    with pytest.raises(InputError, match=match):
        read_expression(path, orientation="genes")


def test_dates_among_the_values_are_no_numbers(tmp_path):
    table = pd.DataFrame({"line": ["a"], "A": pd.to_datetime(["2023-03-01"])})
    table.to_parquet(tmp_path / "t.parquet")
    table.to_excel(tmp_path / "t.xlsx", index=False)
    for name in ("t.parquet", "t.xlsx"):
        with pytest.raises(InputError, match=r"'2023-03-01.* in column 'A', row 'a' is not a number"):
            read_expression(tmp_path / name, orientation="samples")


@pytest.mark.parametrize(
    "date", ["1-Mar", "2-Sep", "Mar-01", "2023-03-01", "2023-03-01 00:00:00", "3/1/2023", "1-Sept"]
)
def test_gene_dates_of_a_spreadsheet(tmp_path, date):
    path = write(tmp_path, f"gene,s1\nMGMT,1\n{date},2\n")
    match = f"turned 1 gene names into dates .'{date}'.; write them anew as text .MARCHF1.*or date_names = 'drop'"
    with pytest.raises(InputError, match=match):
        read_expression(path, orientation="genes")
    _, _, genes = read_expression(path, orientation="genes", date_names="drop")
    assert genes.tolist() == ["MGMT"]


def test_no_gene_is_taken_for_a_date(tmp_path):
    genes = ["MARCH1", "SEPT2", "DEC1", "OCT4", "HLA-A", "NKX2-5", "1060P11.3", "5-HT3", "MAR1", "12-LOX", "AFG3L1P"]
    path = write(tmp_path, "gene,s1\n" + "".join(f"{g},1\n" for g in genes))
    assert read_expression(path, orientation="genes")[2].tolist() == genes


def test_a_name_over_two_lines_is_an_open_quotation_mark(tmp_path):
    path = write(tmp_path, 'gene\ts1\n"A\t1\nB"\t2\nC\t3\n', "t.tsv")
    with pytest.raises(InputError, match="gene name 'A 1 B' spans lines or fields; close the quotation mark"):
        read_expression(path, orientation="genes")


def test_a_huge_cell_and_a_huge_line(tmp_path, monkeypatch):
    path = write(tmp_path, "gene,s1\n" + "B,1\n" * 60 + f"A,{'x' * 3_000_000}\n")
    with pytest.raises(InputError, match=r"'x{60}... .3,000,000 characters.' in column") as error:
        read_expression(path, orientation="genes")
    assert len(str(error.value)) < 400
    refused(write(tmp_path, "x" * 200_000 + ",s1\nA,1\n"), "is not a regular table: field larger than field limit")
    monkeypatch.setattr("tl_jax.data.tables.text_tables.LONGEST_LINE", 1000)
    refused(write(tmp_path, "x," * 2000), "begins with a line of over .* MB, so it is no table")


def test_names_that_are_numbers_read_alike_as_number_and_as_text(tmp_path):
    path = write(tmp_path, "id,A\n909976.0,1\n905955.0,2\n")
    text = write(tmp_path, "id,A\n909976.0,1\n905955.0,2\nHELA,3\n", "u.csv")
    assert read_expression(path, orientation="samples")[1].tolist() == ["909976", "905955"]
    assert read_expression(text, orientation="samples")[1].tolist() == ["909976", "905955", "HELA"]


NAMES = st.lists(
    st.text("ABCxyz019_. -", min_size=1, max_size=6).map(str.strip).filter(bool), min_size=2, max_size=5, unique=True
)
SAFE = NAMES.filter(
    lambda names: not any(n.replace(".", "").replace("-", "").replace(" ", "").isdigit() for n in names)
)


@settings(max_examples=60, deadline=None)
@given(SAFE, SAFE, st.sampled_from([(",", "."), (";", ","), ("\t", "."), ("|", ",")]), st.data())
def test_what_pandas_writes_is_read_as_it_was(tmp_path_factory, rows, columns, marks, data):
    """Oracle: the frame before it was written, in R's form (no heading above the names) and in pandas' own."""
    separator, decimal = marks
    finite = st.floats(-1e6, 1e6, allow_nan=False)
    values = data.draw(st.lists(finite, min_size=len(rows) * len(columns), max_size=len(rows) * len(columns)))
    table = pd.DataFrame(np.reshape(values, (len(rows), -1)), rows, columns)
    path = tmp_path_factory.mktemp("round") / "t.txt"
    text = table.to_csv(sep=separator, decimal=decimal, quoting=2 if data.draw(st.booleans()) else 0)
    if data.draw(st.booleans()):
        text = text.replace('""' + separator, "", 1) if text.startswith('""') else text[1:]
    path.write_text(text)
    found = read_table(path, layout=Layout(separator=separator, decimal=decimal))
    assert found.iloc[:, 0].tolist() == rows
    assert found.columns[1:].tolist() == columns
    # pandas' fast reader of numbers is not exact beyond 15 digits.
    np.testing.assert_allclose(found.iloc[:, 1:].to_numpy(float), table.to_numpy(), rtol=1e-12)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200) | st.text(",;\t\n\r\"' ab1.-", max_size=80).map(str.encode))
def test_any_bytes_give_a_table_or_one_line(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(content)
    fault = ""
    try:
        frame = read_table(path)
    except InputError as error:
        fault = str(error)
    if fault:
        assert "any.csv" in fault
    else:
        assert len(frame)
        assert frame.columns.is_unique


def test_a_row_that_lost_a_cell_is_refused_since_its_values_would_shift(tmp_path):
    rows = "s,a,b,c\nx,1,2,3\ny,1,3\n" + "z,1,2,3\n" * 60
    refused(write(tmp_path, rows), "row 2 below the heading has 3 fields, others 4; give every row as many")
    refused(write(tmp_path, rows.replace("y,1,3", "y,1,3,4,5").replace("z", "y")), "rows have 5 fields, the heading 4")
    gap = read_table(write(tmp_path, rows.replace("y,1,3", "y,1,3,")))
    assert gap.loc[1, ["a", "b"]].tolist() == [1, 3]
    assert np.isnan(gap.loc[1, "c"])
    short = "s,a,b,c,\nx,1,2,3,\ny,1,2,\n"
    refused(write(tmp_path, short), "row 2 below the heading has 4 fields, others 5")


@pytest.mark.parametrize("separator", ["ab", "\n", '"', "é", "\0", "1", ".", "-", "x" * 5000])
def test_a_separator_that_could_be_part_of_a_number_or_is_no_sign(tmp_path, separator):
    refused(write(tmp_path, PLAIN), "key 'separator' is .*write one sign such as ';'", Layout(separator=separator))


@pytest.mark.parametrize("name", ["x" * 5000 + ".csv", "x" * 300])
def test_a_path_that_no_file_can_have(tmp_path, name):
    with pytest.raises(InputError, match=r"cannot be the name of a file .File name too long.; correct it"):
        read_table(tmp_path / name)


def test_the_folder_itself_is_no_table():
    with pytest.raises(InputError, match="is a folder"):
        read_table("")


def test_headings_of_many_repeated_or_blank_names_take_linear_time():
    names = ["g"] * 50_000 + [f"g{i}" for i in range(50_000)] + ["", *[f"g{i}" for i in range(50_000)]]
    start = time.process_time()
    with pytest.raises(InputError, match="column 'g' occurs 50000 times"):
        check_heading(names, Path("t.csv"), "error")
    assert len(set(unique_names(names))) == len(names)
    assert named_columns([""] * 100_000, [True] * 100_000, Path("t.csv")) == []
    assert time.process_time() - start < 5


def test_more_columns_than_any_table_has(tmp_path):
    refused(write(tmp_path, "s" + "," * 400_000 + "\nx" + ",1" * 400_000), "has 400,001 columns, over 300,000; write")
