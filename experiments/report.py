"""One page of a finished experiment or study, from its tables alone.

python -m experiments.report results/EXPERIMENT/TIME
"""

from pathlib import Path

from absl import flags

from experiments import _command
from tl_jax.errors import InputError
from tl_jax.report.page.page import NAME, write_report
from tl_jax.system.files import check_writable

FLAGS = flags.FLAGS

flags.DEFINE_string("out", None, "html file to write; default: report.html in the results folder")
flags.DEFINE_bool("overwrite", False, "replace an --out that exists; a folder's own report.html is always made anew")


def main(paths: list[str]) -> None:
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


if __name__ == "__main__":
    _command.run(main, takes_paths=True)
