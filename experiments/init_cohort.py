"""A cohort file for your own tables, written by looking at them.

python -m experiments.init_cohort --expression=expression.csv --response=response.csv
"""

import sys
from pathlib import Path

from experiments import _tables
from experiments._command import Script
from experiments._declared import FLAGS, group, switch, text
from tl_jax.errors import InputError

TABLES = group(
    "data",
    *_tables.TABLES,
    text("data_dir", None, "folder that holds the tables; default: that of --expression"),
    text("source", "", "shipped cohort whose first domain becomes the source, such as gdsc; default: none"),
    _tables.TISSUES,
)
RESPONSE = group(
    "response",
    text("drug", None, "the drug to predict; default: the one of the table, or the one measured most often"),
    *_tables.MEANING,
)
OUTPUT = group(
    "output",
    text("name", None, "name of the cohort; default: that of --out"),
    text("out", "my_cohort.toml", "file to write"),
    switch("overwrite", False, "replace --out where it exists"),
)


def work() -> None:
    from tl_jax.data.drafts.write import is_open, write_cohort

    _tables.need_tables()
    out = Path(FLAGS.out)
    if out.suffix != ".toml":
        raise InputError(f"--out={out}: a file that ends in .toml is needed")
    if out.exists() and not FLAGS.overwrite and not is_open(out):
        raise InputError(f"--out={out} exists; choose another or add --overwrite")
    expression = Path(FLAGS.expression)
    folder = Path(FLAGS.data_dir) if FLAGS.data_dir else expression.parent
    wishes = _tables.wishes(FLAGS.name or out.stem, source=FLAGS.source, drug=FLAGS.drug)
    written = write_cohort(out, folder, expression, Path(FLAGS.response), _tables.annotation(), wishes)
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
