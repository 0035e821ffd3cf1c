"""What is packed: one file of several by name, nothing outside the archive, and no bomb."""

import gzip
import io
import zipfile
import zlib

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tl_jax.data.tables.archives import DEFAULT_LIMIT, size_limit, unpacked
from tl_jax.data.tables.layouts import Layout
from tl_jax.data.tables.raw_tables import read_table
from tl_jax.errors import InputError

TABLE = "line,A\nx,1\n"


def packed(folder, members, name="t.zip"):
    path = folder / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, text in members.items():
            archive.writestr(member, text)
    return path


def workbook(folder, name="t.xlsx", **sheets):
    with pd.ExcelWriter(folder / name) as writer:
        for sheet, rows in sheets.items():
            pd.DataFrame(rows).to_excel(writer, sheet_name=sheet, index=False, header=False)
    return folder / name


def refused(path, match, **layout):
    with pytest.raises(InputError, match=match) as error:
        read_table(path, layout=Layout(**layout))
    assert path.name in str(error.value)
    assert "\n" not in str(error.value)


def test_the_ending_may_stand_inside_the_zip(tmp_path):
    path = packed(tmp_path, {"__MACOSX/._a.csv": "x", "folder/": "", "folder/a.csv": TABLE, "folder/.DS_Store": "x"})
    assert read_table(path)["A"].tolist() == [1]
    refused(packed(tmp_path, {"a.doc": "x"}), "unknown ending '.doc'")


def test_several_members_are_named_and_one_may_be_chosen(tmp_path):
    path = packed(tmp_path, {"d/a.csv": TABLE, "d/b.csv": "line,A\ny,2\n", "readme.txt": "x"})
    refused(path, "packs 3 files .'d/a.csv', 'd/b.csv', 'readme.txt'.; name the one table with member = '...'")
    for member in ("b.csv", "d/b.csv"):
        assert read_table(path, layout=Layout(member=member))["A"].tolist() == [2]
    refused(path, "packs no file 'c.csv' .member.; did you mean 'd/b.csv'", member="c.csv")
    refused(packed(tmp_path, {}, "e.zip"), "packs 0 files; fetch or save it again")


@pytest.mark.parametrize("member", ["../../evil.csv", "/etc/evil.csv", "..\\evil.csv", "C:/evil.csv"])
def test_no_name_in_an_archive_reaches_the_disk(tmp_path, member):
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    path = packed(folder, {member: TABLE})
    before = sorted(tmp_path.rglob("*"))
    assert read_table(path)["A"].tolist() == [1]
    assert sorted(tmp_path.rglob("*")) == before


def bomb(folder, size=80 << 20):
    path = folder / "bomb.csv.gz"
    path.write_bytes(gzip.compress(b"line,A\n" + b"x,1\n" * (size // 4)))
    return path


def test_a_bomb_is_refused_and_may_be_accepted(tmp_path, monkeypatch):
    path = bomb(tmp_path)
    refused(
        path, "unpacks to more than 64 MB from 0.*MB packed, which looks like a bomb; if that is right, set TLJAX_M"
    )
    zipped = packed(tmp_path, {"a.csv": "x,1\n" * (20 << 20)})
    refused(zipped, "unpacks to more than 64 MB")
    monkeypatch.setenv("TLJAX_MAX_GB", "1")
    assert len(unpacked(path, ".gz")) > 80 << 20
    monkeypatch.setenv("TLJAX_MAX_GB", "0.01")
    refused(path, "unpacks to more than 10 MB")


def test_a_zip_that_lies_about_its_size(tmp_path):
    path = packed(tmp_path, {"a.csv": "x,1\n" * (20 << 20)})
    content = bytearray(path.read_bytes())
    for at in (content.find(b"PK\3\4") + 22, content.find(b"PK\1\2") + 24):
        content[at : at + 4] = (12).to_bytes(4, "little")
    path.write_bytes(content)
    refused(path, "unpacks to more than 64 MB|is not a whole .zip file")


def test_the_limit_is_a_number(monkeypatch):
    assert size_limit() == DEFAULT_LIMIT
    monkeypatch.setenv("TLJAX_MAX_GB", "2.5")
    assert size_limit() == 5 << 29
    for text in ("much", "0", "-1", "nan", "inf"):
        monkeypatch.setenv("TLJAX_MAX_GB", text)
        with pytest.raises(InputError, match=r"TLJAX_MAX_GB is '.*'; write a number of GB above 0"):
            size_limit()


def test_locked_and_odd_zips(tmp_path):
    path = packed(tmp_path, {"a.csv": TABLE})
    content = bytearray(path.read_bytes())
    for at in (content.find(b"PK\3\4") + 6, content.find(b"PK\1\2") + 8):
        content[at] |= 1
    path.write_bytes(content)
    refused(path, "is not a whole .zip file .*encrypted.*; fetch or save it again")


def test_a_sheet_by_name_with_its_heading_lower_down(tmp_path):
    note, table = [["Plate layout", ""]], [["Well", "dose"], ["A1", 1.5], ["A2", 2.0]]
    path = workbook(tmp_path, Notes=note, Info=[["", ""], ["made by hand", ""], ["", ""], *table])
    frame = read_table(path, layout=Layout(sheet="Info", header_row=4))
    assert frame.to_dict("list") == {"Well": ["A1", "A2"], "dose": [1.5, 2.0]}
    refused(path, "has no sheet 'info2'; did you mean 'Info'", sheet="info2")
    refused(path, "the sheet ends before header_row = 9; correct it", sheet="Info", header_row=9)
    refused(path, "the key 'separator' changes nothing for a .xlsx file; remove it", separator=";")


def test_a_workbook_without_heading_or_rows(tmp_path):
    refused(workbook(tmp_path, One=[["a", "b", ""], [1, 2, 3]]), "column 3 has values but no heading; name it")
    refused(workbook(tmp_path, One=[["a", "b"]]), "holds a heading but no rows")
    refused(workbook(tmp_path, One=[["a", "a"], [1, 2]]), "column 'a' occurs 2 times; rename or drop it")


@pytest.mark.parametrize("name", ["t.xlsx", "t.xls"])
def test_what_portals_call_a_workbook(tmp_path, name):
    path = tmp_path / name
    path.write_text("<html><body><table><tr><td>1</td></tr></table></body></html>")
    refused(path, "is a web page, not a table; fetch it again")
    path.write_text("gene\ts1\nMGMT\t1\n")
    refused(path, "is a table in text, not a workbook; rename it to end in .txt")
    path.write_bytes(b"PK\3\4 cut")
    refused(path, "is not a whole .xlsx? workbook")


def rewritten(path, change):
    """The workbook with its first sheet changed as bytes."""
    source = zipfile.ZipFile(io.BytesIO(path.read_bytes()))
    parts = {name: source.read(name) for name in source.namelist()}
    parts["xl/worksheets/sheet1.xml"] = change(parts["xl/worksheets/sheet1.xml"])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return path


def test_two_cells_in_far_corners_are_refused(tmp_path):
    path = workbook(tmp_path, One=[["a", "b"], [1, 2]])
    far = rewritten(
        path, lambda sheet: sheet.replace(b'"B2"', b'"XFD1048576"').replace(b'<row r="2"', b'<row r="1048576"')
    )
    refused(far, "the sheet in xl/worksheets/sheet1.xml would take 384.0 GB, over 8; .* set TLJAX_MAX_GB=385")


def test_a_bomb_in_a_workbook_is_refused(tmp_path):
    path = rewritten(workbook(tmp_path, One=[["a", "b"], [1, 2]]), lambda sheet: sheet + b" " * (70 << 20))
    refused(path, "unpacks to more than 64 MB.*which looks like a bomb")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_damaged_file_gives_one_line(tmp_path_factory, data):
    """Any byte of a packed table or a workbook may be wrong, or its end missing."""
    folder = tmp_path_factory.getbasetemp()
    kind = data.draw(st.sampled_from([".csv.gz", ".csv.zip", ".xlsx", ".parquet"]))
    path = folder / f"damaged{kind}"
    table = pd.DataFrame({"line": list("abcdef"), "A": range(6)})
    if kind == ".xlsx":
        table.to_excel(path, index=False)
    elif kind == ".parquet":
        table.to_parquet(path)
    else:
        table.to_csv(path, index=False)
    content = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, 9999)) * len(content) // 10_000  # a workbook holds the time, so its length varies
    content[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content[: data.draw(st.sampled_from([len(content), at]))])
    fault = ""
    try:
        frame = read_table(path)
    except InputError as error:
        fault = str(error)
    if fault:
        assert path.name in fault
    else:
        # Bytes that carry no content, such as a time stamp; what is read is checked by the packing's own sums.
        if kind in (".csv.gz", ".csv.zip"):
            pd.testing.assert_frame_equal(frame, table, check_dtype=False)


def test_gz_of_several_parts_and_cut_gz(tmp_path):
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"line,A\nx,1\n") + gzip.compress(b"y,2\n"))
    assert read_table(path)["A"].tolist() == [1, 2]
    path.write_bytes(path.read_bytes()[:-9])
    refused(path, "is not a whole .gz file")
    path.write_bytes(zlib.compress(b"line,A\n"))
    refused(path, "is not a whole .gz file")
