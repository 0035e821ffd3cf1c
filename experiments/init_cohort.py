"""A cohort file for your own tables, written by looking at them.

python -m experiments.init_cohort --expression=expression.csv --response=response.csv
"""

import sys
from pathlib import Path

from experiments._command import Script
from experiments._declared import FLAGS, choice, group, switch, text
from experiments._groups import EXPRESSION_KEYS, RESPONSE_KEYS
from tl_jax.errors import InputError

TABLES = group(
    "data",
    text("expression", None, "your table of expression: samples in rows or in columns"),
    text("response", None, "your table of responses: a row for each sample, or for each sample and drug"),
    text("annotation", None, "table with tissue, patient or batch of each sample"),
    EXPRESSION_KEYS,
    text("data_dir", None, "folder that holds the tables; default: that of --expression"),
    text("source", "", "shipped cohort whose first domain becomes the source, such as gdsc; default: none"),
    choice("source_tissues", "shipped", ["shipped", "all"], "lines of --source: as its cohort picks, or all tissues"),
)
RESPONSE = group(
    "response",
    text("drug", None, "the drug to predict; default: the one of the table, or the one measured most often"),
    text("value", None, "column of the response; default: found by its name"),
    choice("direction", None, ["resistant", "sensitive"], "what a high value means; default: by its name"),
    text("unit", None, "unit of the response; default: the name of its column"),
    RESPONSE_KEYS,
)
OUTPUT = group(
    "output",
    text("name", None, "name of the cohort; default: that of --out"),
    text("out", "my_cohort.toml", "file to write"),
    switch("overwrite", False, "replace --out where it exists"),
)


def work() -> None:
    from experiments._keys import keys_of
    from tl_jax.data.drafts.draft import Wishes
    from tl_jax.data.drafts.write import is_open, write_cohort

    for name in ("expression", "response"):
        if not FLAGS[name].value:
            raise InputError(f"--{name} is missing: name your table")
    out = Path(FLAGS.out)
    if out.suffix != ".toml":
        raise InputError(f"--out={out}: a file that ends in .toml is needed")
    if out.exists() and not FLAGS.overwrite and not is_open(out):
        raise InputError(f"--out={out} exists; choose another or add --overwrite")
    expression = Path(FLAGS.expression)
    folder = Path(FLAGS.data_dir) if FLAGS.data_dir else expression.parent
    given = {name: FLAGS[name].value for name in ("source", "drug", "value", "direction", "unit", "source_tissues")}
    said = {name: keys_of(name, FLAGS[name].value) for name in ("expression_keys", "response_keys")}
    wishes = Wishes(name=FLAGS.name or out.stem, **given, **said)
    annotation = Path(FLAGS.annotation) if FLAGS.annotation else None
    written = write_cohort(out, folder, expression, Path(FLAGS.response), annotation, wishes)
    for line in written.lines:
        print(line)
    if written.open:
        for number, point in enumerate(written.open, 1):
            print(f"open {number}: {point}", file=sys.stderr)
        count = f"{len(written.open)} point{'s are' if len(written.open) > 1 else ' is'} open"
        raise InputError(f"{count} (above), marked in the draft {out}; settle them and call again: it will be replaced")
    print(f"written: {out}\nnext: python -m experiments.check_data --cohort={out} --data_dir={folder}")


main = Script(__doc__, (TABLES, RESPONSE, OUTPUT), work)

if __name__ == "__main__":
    main.run()
