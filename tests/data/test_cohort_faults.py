"""One fault of a cohort file or its tables, one line that names the file, the place and the remedy."""

import tomllib
from pathlib import Path

import pytest

import tl_jax
from tl_jax.data.cohort.cohort_file import load_cohort, shipped_cohorts, shipped_content
from tl_jax.errors import InputError


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("scaler =", "scalar =", "own.toml: domain 'lines' has an unknown key 'scalar'; did you mean 'scaler'"),
        ("marker =", "markers =", "own.toml: the cohort has an unknown key 'markers'; did you mean 'marker'"),
        (
            'tissue_column = "t',
            'tisue_column = "t',
            "domain.annotation. has an unknown key 'tisue_column'; did you mean",
        ),
        ('path = "lines.csv"', "", "own.toml: domain 'lines', .domain.expression. lacks the key 'path'; see docs"),
        ('name = "lines"', "", "own.toml: domain '1' lacks the key 'name'"),
        ('drug = "cisplatin"', "", "own.toml lacks the key 'drug'"),
        ('value_column = "auc"\nfilter', "filter", "format 'long' lacks the key 'value_column'; see docs"),
        ('sample_column = "id"', "", "domain.annotation. lacks the key 'sample_column'"),
        ('name = "own"', "name = 3", "own.toml: the cohort: key 'name' must be letters, digits, .*, not 3"),
        ('groups = [["p1", "p3"]]', 'groups = ["p1"]', "key 'groups' must be a list of lists of samples"),
        ('{ screen = "a" }', '"a"', "key 'filter' must be a table such as"),
        ('"lines.csv"', '"lines.csv"\nsample_prefix_length = 0', "must be a whole number above 0, not 0"),
        ('"lines.csv"', '"lines.csv"\nsample_pattern = "("', "must be a regular expression in quotes"),
        ('"robust"', '"minmax"', "key 'scaler' is 'minmax'; write one of robust, standard"),
        ('"sensitive"', '"up"', "key 'direction' is 'up'; write one of resistant, sensitive"),
        ('"lines.csv"', '"lines.csv"\ntransform = "log"', "key 'transform' is 'log'; write one of none, log2"),
        ('name = "patients"', 'name = "lines"', "own.toml: two domains are named 'lines'; give each"),
        (
            '[[domain]]\nname = "patients"',
            "[domain]\nx = 1",
            "own.toml is not valid TOML: .*at line 25, column 8.; correct that line",
        ),
        ('drug = "cisplatin"', 'drug = "cisplatin"\n[simulate]\n', "own.toml needs either ..domain.. tables.* or one"),
    ],
)
def test_faults_of_the_file(load, old, new, match):
    with pytest.raises(InputError, match=match) as error:
        load((old, new))
    assert "own.toml" in str(error.value)


def test_single_brackets(load):
    (load.folder / "own.toml").write_text('name = "x"\ndrug = "y"\n[domain]\nname = "z"\n')
    with pytest.raises(InputError, match=r"own.toml: write \[\[domain\]\] with two brackets"):
        load_cohort(load.folder / "own.toml", load.folder)


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ('"screen.csv"', '"scren.csv"', "no file .*scren.csv; in its folder did you mean 'screen.csv'"),
        ('"drug"\n', '"drgu"\n', "screen.csv has no column 'drgu' .drug_column.; did you mean 'drug'"),
        (
            'value_column = "auc"\ndrug',
            'value_column = "acu"\ndrug',
            "patients_auc.csv has no column 'acu' .value_column.",
        ),
        ('"tissue"', '"tisue"', "lines_notes.csv has no column 'tisue' .tissue_column.; did you mean 'tissue'"),
        ('screen = "a"', 'screen = "C"', "screen.csv: no row has screen = 'C' .filter.; there are: 'A', 'B'"),
        ('["Skin"]', '["Skn"]', "lines_notes.csv: no row has tissue = 'Skn' .exclude.; did you mean 'Skin'"),
        ('filter = { screen = "a" }', "", "which differ in screen: no repeats; set filter = { screen = 'A' }"),
        (
            'filter = { screen = "a" }',
            'filter = { screen = "a" }\ndrugs = ["Olaparb"]',
            "no drug 'Olaparb'; did you mean",
        ),
        ('"cisplatin"', '"Olaparib"', "own.toml: .*domain patients has no drug 'Olaparib'; there are: 'Cisplatin'"),
        ('marker = "G01"', 'source_drugs = ["Foo"]', "own.toml: source_drugs.*has no drug 'Foo'"),
        (
            'marker = "G01"',
            'source_drugs = ["Olaparib"]\ndefault_source = "Cisplatin"',
            "is not among source_drugs; add",
        ),
        ('["p1", "p3"]', '["p1", "px"]', "patients.csv: there is no sample 'px' .groups.; there are: 'p1', 'p2'"),
        ('groups = [["p1", "p3"]]', 'exclude_samples = ["p1", "p2", "p3"]', "patients.csv.: exclude_samples leaves no"),
        (
            'filter = { screen = "B" }',
            'filter = { drug = "Olaparib", sample = "s9" }',
            "screen.csv: it repeats no sample",
        ),
        ('screen = "a"', 'screen = "a", sample = ["s9"]', "no sample has both expression and response"),
    ],
)
def test_faults_of_the_tables(load, old, new, match):
    with pytest.raises(InputError, match=match) as error:
        load((old, new))
    assert "\n" not in str(error.value)


def test_no_overlap_of_samples_shows_both_sides(load):
    (load.folder / "patients_auc.csv").write_text("patient,auc\nP-01,0.1\n")
    match = "domain 'patients': no sample has both.*patients.csv has 'p3'.*patients_auc.csv has 'P-01'.*sample_prefix"
    with pytest.raises(InputError, match=match):
        load()


def test_response_faults(load):
    file = load.folder / "patients_auc.csv"
    file.write_text("patient,auc\np1,high\n")
    with pytest.raises(InputError, match=r"patients_auc.csv: 'high' in column 'auc', row 'p1' is not a number"):
        load()
    file.write_text("patient,auc\np1,inf\n")
    with pytest.raises(InputError, match=r"patients_auc.csv: 1 infinite values, first in column 'auc', row 'p1'"):
        load()
    file.write_text("patient,auc\np1,1\np1,2\n")
    with pytest.raises(InputError, match=r"patients_auc.csv: sample 'p1' has 2 rows; keep one.*duplicates = 'mean'"):
        load()
    file.write_text("patient,auc\np1,\np2,\n")
    with pytest.raises(InputError, match=r"patients_auc.csv: the samples of domain 'patients' have no response"):
        load()


def test_annotation_faults(load):
    file = load.folder / "lines_notes.csv"
    file.write_text("id,tissue\ns1,Lung\ns1,Bone\ns3,Skin\n")
    with pytest.raises(InputError, match=r"lines_notes.csv: sample 's1' has rows that disagree; keep one"):
        load()
    file.write_text("id,tissue\nx1,Lung\nx3,Skin\n")
    with pytest.raises(InputError, match=r"lines_notes.csv: none of its samples is in domain 'lines'.*'x1'.*'s1'"):
        load()
    file.write_text("id,tissue\ns3,Skin\n")
    with pytest.raises(InputError, match=r"lines_notes.csv: no row is left after exclude; loosen it"):
        load()


def test_transform_faults_name_the_file(own_files, load):
    table = own_files.patients()
    table.iloc[0, 0] = -1
    table.to_csv(load.folder / "patients.csv")
    with pytest.raises(
        InputError, match=r"patients.csv: transform 'log2': 1 values are negative.*set transform = 'none'"
    ):
        load(('"patients.csv"', '"patients.csv"\ntransform = "log2"'))


def test_foreign_genes(own_files, load):
    table = own_files.patients()
    table.index = [f"ENSG{i:011d}" for i in range(61)]
    table.to_csv(load.folder / "patients.csv")
    with pytest.raises(
        InputError, match=r"share 0 genes.*lines has 60: 'G00'.*patients has 61: 'ENSG.*same kind of gene"
    ):
        load()


def test_data_dir_is_needed_and_must_exist(load, monkeypatch):
    monkeypatch.delenv("TLJAX_DATA", raising=False)
    with pytest.raises(InputError, match=r"own.toml needs the file screen.csv; pass --data_dir or set TLJAX_DATA"):
        load(data_dir=None)
    with pytest.raises(InputError, match=r"no data folder .*absent; correct --data_dir"):
        load(data_dir=load.folder / "absent")


def test_unknown_cohort(tmp_path):
    with pytest.raises(InputError, match=r"unknown cohort 'nci'; shipped are: .*nci60.*must end in .toml"):
        load_cohort("nci")
    with pytest.raises(InputError, match=r"there is no file .*mine.toml"):
        load_cohort(tmp_path / "mine.toml")


def test_toml_that_is_not_utf8(tmp_path):
    (tmp_path / "own.toml").write_bytes(b'name = "M\xfcller"')
    with pytest.raises(InputError, match=r"own.toml is not UTF-8 text .byte 9.; save it again"):
        load_cohort(tmp_path / "own.toml")


@pytest.mark.parametrize("name", ["../lines.csv", "/etc/passwd", "a/../../lines.csv", "ok/../../../lines.csv"])
def test_a_cohort_file_names_no_file_outside_the_data_folder(load, name):
    """A cohort file may come from somebody else."""
    with pytest.raises(InputError, match=r"is not in the data folder .*; place or link the table there, or name a"):
        load(('path = "lines.csv"', f'path = "{name}"'))


def test_a_link_in_the_data_folder_is_the_users_own(load, tmp_path_factory):
    moved = tmp_path_factory.mktemp("elsewhere") / "table.csv"
    (load.folder / "lines.csv").rename(moved)
    (load.folder / "lines.csv").symlink_to(moved)
    assert len(load().domains) == 2


def test_a_missing_table_of_a_public_set_names_the_command_that_fetches_it(load):
    (load.folder / "screen.csv").unlink()
    with pytest.raises(
        InputError, match=r"there is no file .*screen.csv; .*; python -m experiments.fetch one --data_dir="
    ) as error:
        load(('marker = "G01"', 'marker = "G01"\nfetch = ["one", "two"]'))
    assert "experiments.fetch two" in str(error.value)
    with pytest.raises(InputError, match=r"there is no file .*screen.csv; in its folder [^;]*$"):
        load()


@pytest.mark.parametrize("name", [name for name in shipped_cohorts() if "fetch" in shipped_content(name)])
def test_shipped_cohorts_name_sets_that_can_be_fetched(name):
    sets = tomllib.loads((Path(tl_jax.__file__).parent / "fetch" / "releases.toml").read_text(encoding="utf-8"))
    assert set(shipped_content(name)["fetch"]) == {one for one, entry in sets.items() if name in entry["cohorts"]}


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*b", "(?:x{2,}){3,}", "((p)\\\\d)+"])
def test_a_pattern_that_may_take_years(load, pattern):
    with pytest.raises(InputError, match="must be a regular expression in quotes, without a repeated group"):
        load(('"lines.csv"', f'"lines.csv"\nsample_pattern = "{pattern}"'))


@pytest.mark.parametrize("pattern", ["(s\\\\d)?$", "[()+]*(s.)", "\\\\)*s\\\\d+"])
def test_a_pattern_without_a_repeated_group(load, pattern):
    assert load(('"lines.csv"', f'"lines.csv"\nsample_pattern = "{pattern}"')).domains[0].samples[0] == "s1"


def test_a_file_nested_without_end(load):
    (load.folder / "own.toml").write_text("a = " + "[" * 100_000)
    with pytest.raises(InputError, match=r"own.toml is nested too deeply"):
        load_cohort(load.folder / "own.toml", load.folder)


def test_a_value_of_any_length_gives_a_short_line(load):
    with pytest.raises(InputError, match="key 'name' must be letters") as error:
        load(('name = "own"', f'name = "{"é!" * 5000}"'))
    assert len(str(error.value)) < 400
