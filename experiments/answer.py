"""From two tables to an answer: a cohort drafted and checked, a full study for each drug, a report, a model to use.

python -m experiments.answer --expression=expression.csv --response=response.csv
"""

from __future__ import annotations

import re
import sys
import tempfile
from functools import partial
from pathlib import Path

from experiments import _tables
from experiments._command import Script
from experiments._declared import FLAGS, choice, group, integer, switch, text, texts
from experiments._groups import MECHANISMS, METRIC, OUTPUT, PATHWAYS, PLAN_ONLY, SCALING, SIGNATURE
from tl_jax.errors import InputError

TABLES = group(
    "data",
    *_tables.TABLES,
    text("data_dir", None, "folder that holds the tables, and those of public cell lines; default: of --expression"),
    text(
        "source",
        "auto",
        "gdsc, or your own screen as the first domain of a .toml; auto: what is there; none",
    ),
    _tables.TISSUES,
)
RESPONSE = group(
    "response",
    texts("drug", [], "the drug or drugs to answer for, or 'all' of the table; default: the one of the table"),
    *_tables.MEANING,
)
ARMS = group(
    "arms",
    texts("source_drug", [], "drug(s) of the source; default: the drug itself, by any name, where the source has it"),
    SIGNATURE,
    PATHWAYS,
    MECHANISMS,
)
FOLDS = group(
    "protocol and folds",
    integer("repeats", None, "repeats of cross-validation; default 10, with --quick 2"),
    integer("folds", None, "folds of each repeat; default 3"),
    choice("split", "stratified", ["stratified", "plain"], "how folds are drawn; groups always share a fold"),
    integer("seed", 400, "seed of partitions, initialisation and shuffles", 0, 2**32 - 100_001),
    METRIC,
    SCALING,
    switch("quick", False, "a look with a small network, 2 repeats and 19 permutations: no result"),
)
KEPT = group(
    "output",
    text("checkpoint_dir", "checkpoints", "folder of stage checkpoints, reused when their lineage matches"),
    PLAN_ONLY,
)
ASKED = re.compile(r"--(direction|value|drug)\b")  # what may be asked in a terminal


def work() -> None:
    from experiments import _output
    from tl_jax.report.sections.check import findings_lines
    from tl_jax.study.answer import answer
    from tl_jax.system import runtime
    from tl_jax.system.files import refuse_existing
    from tl_jax.system.parts import ASKED
    from tl_jax.system.progress import say

    _tables.need_tables()
    if FLAGS.out and not FLAGS.resume:
        refuse_existing(Path(FLAGS.out), FLAGS.overwrite)
    runtime.configure()
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / f"{cohort_name()}.toml"
        lines, drugs = asked(file, say)
        found = answer.checked(drugs)
        for line in (*lines, "", "check:", *findings_lines(answer.findings(found)), "", *(o.words() for o in drugs)):
            say(line)
        if len(drugs) > 1:
            say(f"together about {round(sum(one.seconds for one in drugs) / 60)} min of one core")
        answer.refuse_blocked(drugs, found)
        if FLAGS.plan_only:
            return
        words = file.read_text(encoding="utf-8")
        compute = partial(answer.run, drugs, found, words)
        flags = {flag: FLAGS[flag].value for flag in FLAGS}
        write = partial(answer.write, flags=flags)
        record = answer.identity(drugs) | {ASKED: asked_for()}
        _output.keep("answer", lambda: (record, compute), write, lambda _: "")


def asked_for() -> dict:
    """The flags that shape the data and the study, as they were given; drugs in any order are the same."""
    names = [flag.name for one in (TABLES, RESPONSE, ARMS, FOLDS) for flag in one.flags]
    return {name: FLAGS[name].value for name in names} | {"drug": sorted(FLAGS.drug)}


def cohort_name() -> str:
    """What the cohort is called: after the expression table."""
    stem = re.sub(r"[^A-Za-z0-9_]", "_", Path(FLAGS.expression).name.split(".")[0])
    return stem or "answer"


def asked(file: Path, say) -> tuple[list[str], list]:
    """(what was found in the tables, the drugs' studies); in a terminal what they do not say is asked for."""
    from tl_jax.study.answer.plan import planned
    from tl_jax.study.answer.tables import drafted

    said: dict[str, str] = {}
    while True:
        try:
            lines, cohorts = drafted(tables_of(said), file)
            return lines, [planned(cohort, settings()) for cohort in cohorts]
        except InputError as error:
            names = [name for name in ASKED.findall(str(error)) if name not in said and not FLAGS[name].value]
            if not names or not (sys.stdin and sys.stdin.isatty()):
                raise
            say(str(error))
            said[names[0]] = input(f"--{names[0]}=").strip()


def tables_of(said: dict[str, str]):
    """The tables as the flags name them, with what was said since."""
    from tl_jax.study.answer.tables import Tables

    drugs = said["drug"].split(",") if said.get("drug") else FLAGS.drug
    asked_for = {name: text for name, text in said.items() if name != "drug" and text}
    return Tables(
        Path(FLAGS.expression),
        Path(FLAGS.response),
        _tables.annotation(),
        Path(FLAGS.data_dir) if FLAGS.data_dir else None,
        tuple(drugs),
        FLAGS.source,
        _tables.wishes(cohort_name(), **asked_for),
    )


def settings():
    """What the flags say of a study."""
    from experiments._lists import gene_list
    from tl_jax.study.cohort.settings import Settings

    given = Settings(
        cohort=cohort_name(),
        data_dir=FLAGS.data_dir,
        source_drugs=tuple(FLAGS.source_drug),
        signature=gene_list(FLAGS.signature),
        repeats=FLAGS.repeats,
        folds=FLAGS.folds,
        split=FLAGS.split,
        seed=FLAGS.seed,
        metric=FLAGS.metric,
        scaling=FLAGS.scaling,
        mechanisms=FLAGS.mechanisms,
        pathways=FLAGS.pathways,
        checkpoint_dir=FLAGS.checkpoint_dir,
    )
    return given.in_quick_mode() if FLAGS.quick else given


main = Script(__doc__, (TABLES, RESPONSE, ARMS, FOLDS, OUTPUT, KEPT), work)

if __name__ == "__main__":
    main.run()
