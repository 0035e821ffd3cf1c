"""New studies: what is asked becomes the command's arguments, and nothing runs before it is asked for."""

import json

import pytest
from app_pages import given, page, words

from tl_jax.app.parts import jobs, requests, uploads

HOSTILE = "<script>alert(1)</script>; rm -rf / --overwrite"
SAID = "- a high value is taken to mean resistant\nTemozolomide: 22 samples; about 1 min of one core\n"


@pytest.fixture
def place(monkeypatch, tmp_path):
    """The app's options; a job that is begun is written down and not run."""
    monkeypatch.setattr(jobs.Job, "again", lambda job: (job.folder / "asked").touch())
    monkeypatch.delenv("TLJAX_DATA", raising=False)
    return given(monkeypatch, tmp_path)


def looked(place, code: int, log: str, **fields) -> jobs.Job:
    """A look at two tables that has ended."""
    tables = {f"{name}.csv": uploads.keep(place, "a.csv", name.encode()) for name in ("expression", "response")}
    job = requests.look(place, tables, fields)
    (job.folder / "log.txt").write_text(log)
    (job.folder / "end.json").write_text(json.dumps({"code": code, "seconds": 1.0}))
    return job


def press(app, label: str):
    [button] = [one for one in app.button if one.label == label]
    return button.click().run()


def argv(place) -> list[list[str]]:
    return [job.asked["argv"] for job in jobs.all_jobs(place)]


def test_a_look_only_plans(place):
    job = looked(place, 0, SAID, drug="Temozolomide")
    tables = ["--expression=tables/expression.csv", "--response=tables/response.csv"]
    assert job.asked["argv"] == ["answer", *tables, "--drug=Temozolomide", "--plan_only"]
    assert (job.folder / "tables" / "response.csv").read_bytes() == b"response"


def test_the_plan_is_shown_and_nothing_runs_before_it_is_asked_for(place):
    job = looked(place, 0, SAID, drug="Temozolomide", quick="true")
    app = page("study", job=job.ident)
    text = words(app)
    assert "about 1 min of one core" in text
    assert text.index("about 1 min of one core.</p>") < text.index("Nothing is run before you say so")  # out of the box
    assert len(argv(place)) == 1
    app = press(app, "Run this study")
    [study] = [one for one in argv(place) if "--plan_only" not in one]
    assert study[0] == "answer"
    assert {"--drug=Temozolomide", "--quick=true", "--out=out", "--resume"} <= set(study)
    assert jobs.find(place, app.query_params["job"]).asked["argv"] == study


def test_what_the_tables_leave_open_is_asked_for_and_said_again(place):
    job = looked(place, 2, "error: response.csv: which drug does the column 'AUC' measure? Add --drug=NAME\n")
    app = page("study", job=job.ident)
    assert "which drug does the column" in words(app)
    assert "Run this study" not in [button.label for button in app.button]
    [drug] = [box for box in app.text_input if box.label.startswith("Drug")]
    drug.set_value("Temozolomide")
    press(app, "Look again")
    assert [one for one in argv(place) if "--drug=Temozolomide" in one and "--plan_only" in one]


def test_what_a_visitor_types_is_one_argument_and_no_other_flag(place):
    job = looked(place, 2, f"error: no drug '{HOSTILE}'\n", drug=HOSTILE)
    assert f"--drug={HOSTILE}" in job.asked["argv"]
    assert "--overwrite" not in job.asked["argv"]
    text = words(page("study", job=job.ident))
    assert "<script>" not in text
    assert "&lt;script&gt;" in text


def test_a_job_of_another_visitor_is_not_listed(place):
    job = looked(place, 0, SAID)
    assert job.ident not in words(page("study"))
    assert "Yours" not in words(page("study"))
    assert "Yours" in words(page("study", job=job.ident))


def test_deleted_when_the_visitor_says_so(place):
    job = looked(place, 0, SAID)
    press(page("study", job=job.ident), "Delete my tables and the studies made from them")
    assert not job.folder.exists()
    assert not list(place.uploads.glob("*"))


def test_cohorts_without_their_data_are_not_offered(place, monkeypatch, tmp_path):
    assert requests.cohorts() == ["simulated"]
    monkeypatch.setenv("TLJAX_DATA", str(tmp_path))
    assert requests.cohorts()[0] == "simulated"
    assert {"gdsc", "nci60"} <= set(requests.cohorts())


def test_a_cohort_is_checked_and_then_studied(place):
    app = press(page("study", **{"from": "cohort"}), "Look at the cohort")
    job = jobs.find(place, app.query_params["job"])
    assert job.asked["argv"] == ["check", "--cohort=simulated", "--out=out"]
    (job.folder / "log.txt").write_text("ready\n")
    (job.folder / "end.json").write_text(json.dumps({"code": 0, "seconds": 1.0}))
    app = press(page("study", job=job.ident), "Plan this study")
    plan = jobs.find(place, app.query_params["job"])
    assert {"--cohort=simulated", "--protocol=honest", "--quick=true", "--plan_only"} <= set(plan.asked["argv"])
    assert plan.asked["argv"][0] == "study"
    assert len(argv(place)) == 2  # nothing runs before its time was shown
    (plan.folder / "log.txt").write_text("plan: target; about 7 min of one core\n")
    (plan.folder / "end.json").write_text(json.dumps({"code": 0, "seconds": 1.0}))
    app = page("study", job=plan.ident)
    assert "about 7 min of one core" in words(app)
    app = press(app, "Run this study")
    study = jobs.find(place, app.query_params["job"]).asked["argv"]
    assert study == [*(word for word in plan.asked["argv"] if word != "--plan_only"), "--out=out", "--resume"]


def test_arms_that_are_done_are_shown_while_others_are_not_and_without_a_verdict(place):
    job = requests.run_cohort(place, requests.plan_cohort(place, "simulated", {}))
    assert "Provisional" not in words(page("study", job=job.ident))
    work = job.folder / "out.unfinished" / "honest"
    work.mkdir(parents=True)
    rows = [("ridge", HOSTILE, 0.25), ("mean", "", "")]
    told = [f'{arm},"{source}",honest,t,spearman,{value},2' for arm, source, value in rows]
    (work / "so_far.csv").write_text("\n".join(["arm,source,protocol,domain,metric,value,repeats", *told]))
    text = words(page("study", job=job.ident))
    assert "Provisional: 2 methods are done, others are not" in text
    assert ">0.250<" in text
    assert "there is no verdict before the end" in text
    assert 'class="verdict"' not in text
    assert "<script>" not in text
    (job.folder / "end.json").write_text(json.dumps({"code": 0, "seconds": 1.0}))
    assert "Provisional" not in words(page("study", job=job.ident))  # the report says it now


def test_every_argument_is_one_that_the_command_takes(place):
    """A form that names a flag which the command does not have would fail for everybody."""
    from experiments._tl_jax import script_of

    fields = dict.fromkeys((*requests.FIELDS, *requests.OF_COHORT), "")
    fields |= {"drug": "a", "value": "b", "direction": "resistant", "source": "none", "repeats": "3", "quick": "true"}
    fields |= {"source_drug": "a", "strategy": "scratch", "protocol": "honest"}
    job = looked(place, 0, SAID, **{name: fields[name] for name in requests.FIELDS})
    plan = requests.plan_cohort(place, "simulated", fields)
    for one in (requests.run(place, job, "x"), plan, requests.run_cohort(place, plan), job):
        name, *rest = one.asked["argv"]
        script_of(name).parse(rest)


def test_example_tables_are_those_of_the_simulated_cohort():
    import io

    import pandas as pd

    import tl_jax as tl

    tables = requests.example_tables()
    cohort = tl.load_cohort("simulated")
    target = cohort["target"].for_drug(cohort.drug)
    expression = pd.read_csv(io.BytesIO(tables["expression.csv"]), index_col="gene")
    assert list(expression.columns) == list(target.samples)
    assert len(expression) == len(cohort.genes)
    assert list(pd.read_csv(io.BytesIO(tables["response.csv"]))) == ["sample", target.unit]
