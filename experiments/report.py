"""One page of a finished experiment or study, from its tables alone.

python -m experiments.report results/EXPERIMENT/TIME
"""

from pathlib import Path

from experiments._command import Script
from experiments._declared import FLAGS, group, switch, text
from tl_jax.errors import InputError

OUTPUT = group(
    "output",
    text("out", None, "html file to write; default: report.html in the results folder"),
    switch("overwrite", False, "replace an --out that exists; a folder's own report.html is always made anew"),
)


def work(paths: list[str]) -> None:
    from tl_jax.report.page.page import NAME, write_report
    from tl_jax.system.files import check_writable

    if len(paths) != 1:
        raise InputError("name one results folder: python -m experiments.report results/EXPERIMENT/TIME")
    folder = Path(paths[0])
    out = Path(FLAGS.out) if FLAGS.out else folder / NAME
    if out.is_dir():
        raise InputError(f"--out={out} is a folder; name a file, such as {out / NAME}")
    if FLAGS.out and out.exists() and not FLAGS.overwrite:
        raise InputError(f"--out={out} exists; choose another or add --overwrite")
    if folder.is_dir():  # write_report has a better word on a folder that is not there
        check_writable(out.absolute().parent, "--out")
    write_report(folder, out)
    print(f"report: {out} ({out.stat().st_size / 1e6:.1f} MB)")


main = Script(__doc__, (OUTPUT,), work, takes_paths=True)

if __name__ == "__main__":
    main.run()
