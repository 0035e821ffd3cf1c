"""Preprocessing and batches in a cohort file: what reaches the domain, and one-line errors for what cannot work."""

import numpy as np
import pytest

from tl_jax.data.preprocessing.preprocess import Preprocess
from tl_jax.errors import InputError

STEPS = 'preprocess = ["tmm_cpm_log", "low_expression", "combat"]'
KEYS = f"""name = "patients"
{STEPS}
combat_reference = "1"
combat_unknown = "pooled"
low_expression_below = 2
low_expression_share = 0.5
"""
NOTES = """
[domain.annotation]
path = "patients_notes.csv"
sample_column = "id"
batch_column = "run"
[domain.expression]
path = "patients.csv"
"""


@pytest.fixture
def counted(load, own_files):
    """load(*changes) of a cohort whose patients are counts of two runs."""
    table = (own_files.patients() * 40).round().astype(int) + 1
    table.to_csv(load.folder / "patients.csv")
    (load.folder / "patients_notes.csv").write_text("id,run\np1,1.0\np2,2\np3,1\np4,\n")

    def loaded(*changes, keys=KEYS):
        for old, new in changes:
            assert old in keys
            keys = keys.replace(old, new)
        return load(('name = "patients"\n', keys), ('[domain.expression]\npath = "patients.csv"\n', NOTES))

    loaded.folder, loaded.table = load.folder, table
    return loaded


def test_what_the_file_says_reaches_the_domain(counted):
    target = counted().stage("target")
    steps = ("tmm_cpm_log", "low_expression", "combat")
    assert target.preprocess == Preprocess(steps, "1", "pooled", 2.0, 0.5)
    assert dict(zip(target.samples, target.batch, strict=True)) == {"p1": "1", "p2": "2", "p3": "1"}
    assert target.x.max() == counted.table.drop(index="OTHER").to_numpy().max()  # counts stay counts
    assert target.preprocess.identity == [list(steps), ["1", "pooled", 2.0, 0.5]]


def test_a_cohort_without_these_keys_has_none(load):
    for domain in load().domains:
        assert not domain.preprocess
        assert set(domain.batch) == {""}


def test_order_in_the_files_changes_nothing(counted):
    first = counted().stage("target")
    counted.table.iloc[::-1, ::-1].to_csv(counted.folder / "patients.csv")
    (counted.folder / "patients_notes.csv").write_text("run,id\n,p4\n1,p3\n2,p2\n1,p1\n")
    second = counted().stage("target")
    np.testing.assert_array_equal(first.x, second.x)
    np.testing.assert_array_equal(first.batch, second.batch)


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ('"tmm_cpm_log"', '"tmm"', r"own.toml: domain 'patients': unknown preprocess step 'tmm'; write some of"),
        (STEPS, 'preprocess = "combat"', "key 'preprocess' must be a list of texts, not 'combat'"),
        (STEPS, 'preprocess = ["rank"]', "combat_reference changes nothing without the preprocess step 'combat'"),
        ('combat_reference = "1"\n', "", "'combat' needs combat_reference, the batch that stays as it is"),
        ('"1"', '"3"', r"patients.csv: domain 'patients' has no batch '3' \(combat_reference\).*there are: '1', '2'"),
        ('"pooled"', '"guess"', "key 'combat_unknown' is 'guess'; write one of error, pooled"),
        ("below = 2", "below = true", "key 'low_expression_below' must be a number, not True"),
        ("below = 2", "below = nan", "key 'low_expression_below' must be a number, not nan"),
        ("share = 0.5", "share = 1.5", "low_expression_share is 1.5; write at least 0 and below 1"),
        ("share = 0.5", "share = -0.1", "low_expression_share is -0.1; write at least 0 and below 1"),
        (STEPS, 'preprocess = ["combat", "cpm_log"]\n#', "'cpm_log' needs counts; write it before 'combat'"),
        ("combat_", "combatt_", "unknown key 'combatt_reference'; did you mean 'combat_reference'"),
    ],
)
def test_faults_of_the_keys(counted, old, new, match):
    keys = KEYS.replace("low_expression_below = 2\nlow_expression_share = 0.5\n", "") if "#" in new else KEYS
    with pytest.raises(InputError, match=match) as error:
        counted((old, new), keys=keys)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("key", ["transform", "transform_as_published"])
def test_counts_may_not_be_transformed_first(load, key):
    changes = ('name = "patients"\n', 'name = "patients"\npreprocess = ["cpm_log"]\n')
    with pytest.raises(InputError, match=r"'cpm_log' needs counts, and transform 'log_cpm' would change them first"):
        load(changes, ('"patients.csv"', f'"patients.csv"\n{key} = "log_cpm"'))


def test_combat_needs_a_column_of_batches(load):
    keys = 'name = "patients"\npreprocess = ["combat"]\ncombat_reference = "1"\n'
    with pytest.raises(InputError, match=r"own.toml: domain 'patients': preprocess 'combat' needs batch_column in"):
        load(('name = "patients"\n', keys))


def test_samples_without_a_batch(counted):
    (counted.folder / "patients_notes.csv").write_text("id,run\np1,1\np2,\np3,1\n")
    assert counted().stage("target").batch.tolist() == ["1", "", "1"]
    with pytest.raises(InputError, match=r"patients_notes.csv: sample 'p2' .* has no batch; fill batch_column or set"):
        counted(('combat_unknown = "pooled"\n', ""))
    (counted.folder / "patients_notes.csv").write_text("id,run\np1,\np2,\np3,\n")
    with pytest.raises(InputError, match=r"has no batch '1' .*batch_column is empty for all of its samples"):
        counted()
    (counted.folder / "patients_notes.csv").write_text("id,lane\np1,1\n")
    with pytest.raises(InputError, match=r"patients_notes.csv has no column 'run' \(batch_column\)"):
        counted()
    (counted.folder / "patients_notes.csv").write_text("id,run\np1,1\np1,2\np2,1\np3,1\n")
    with pytest.raises(InputError, match="sample 'p1' has rows that disagree"):
        counted()


def test_values_that_are_no_counts(counted):
    (counted.table / 100).to_csv(counted.folder / "patients.csv")
    with pytest.raises(InputError, match=r"domain patients: no value exceeds .* so these look like logarithms"):
        counted()
    (counted.table - 30).to_csv(counted.folder / "patients.csv")
    with pytest.raises(InputError, match=r"domain patients: sample 'p1' has -\d+ for gene '\w+'.*never negative"):
        counted()
    silent = counted.table.copy()
    silent.loc[silent.index != "OTHER", "p2"] = 0  # counts in a gene that the chain does not share
    silent.to_csv(counted.folder / "patients.csv")
    with pytest.raises(
        InputError, match="domain patients: sample 'p2' has no counts in the genes that are used; leave it out"
    ):
        counted()
