"""The app: look at finished studies and single cells, and start studies, in a browser on this machine.

python -m experiments.app
python -m experiments.app --study=results/mine --cells=results/cells
"""

from __future__ import annotations

from pathlib import Path

from experiments._command import Script
from experiments._declared import FLAGS, group, integer, text

SHOWN = group(
    "what it shows",
    text("study", None, "finished study to open on; default: one of the simulated cohort, run once and kept"),
    text("cells", None, "finished study of single cells to show"),
    text("results", None, "folder whose finished studies are offered, to a depth of three folders"),
    text("models", None, "folder of stage checkpoints whose models of compounds are offered, to the same depth"),
)
SERVER = group(
    "server",
    text("address", "127.0.0.1", "address to listen at; another one lets other machines in: name a --password_file"),
    integer("port", 8501, "port to listen at", 1, 65535),
    text("password_file", None, "file that holds the password that visitors must give"),
    text("state_dir", None, "folder of the app's own files; default: tl_jax/app in the user's cache folder"),
    integer("at_once", 1, "studies that run at the same time; others wait", 1, 64),
    integer("upload_mb", 50, "largest table that may be uploaded, in MB", 1, 1000),
)


def work() -> None:
    from tl_jax.app.parts.options import Options
    from tl_jax.app.server import serve

    def whole(name: str) -> str | None:
        return str(Path(FLAGS[name].value).absolute()) if FLAGS[name].value else None

    named = {name: whole(name) for name in ("study", "cells", "results", "models", "password_file")}
    chosen = Options(**named, state=whole("state_dir") or "", at_once=FLAGS.at_once, upload_mb=FLAGS.upload_mb)
    serve(chosen, FLAGS.address, FLAGS.port)


main = Script(__doc__, (SHOWN, SERVER), work)

if __name__ == "__main__":
    main.run()
