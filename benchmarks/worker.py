"""One side in a process of its own; benchmarks/protocol.py starts it and asks.

Requests and replies are lines of JSON on standard input and output; whatever a library prints goes to standard error.
{"do": "prepare", "problem": {...}, "cores": n, "options": {...}}, {"do": "measure"}.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path

from absl import app, flags

from benchmarks.problem import Problem
from benchmarks.sides import SIDES

FLAGS = flags.FLAGS
flags.DEFINE_enum("side", None, list(SIDES), "which side this process is")


def own_output():
    """Standard output for replies alone: the file that everybody else writes to becomes standard error."""
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return replies


def resident(field: str) -> float | None:
    """MiB of this process: VmRSS now, VmHWM at its highest; None where the system does not say."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024
    except (OSError, StopIteration):
        return None


def serve(side: str, requests, replies) -> None:
    """Answer until the requests end."""

    def reply(content: dict) -> None:
        print(json.dumps(content), file=replies, flush=True)

    module, measure = importlib.import_module(SIDES[side].module), None
    reply({"start_mib": resident("VmRSS")})
    for line in requests:
        request = json.loads(line)
        try:
            if request["do"] == "prepare":
                options = {**SIDES[side].options, **request["options"]}
                measure = module.prepare(Problem.from_dict(request["problem"]), request["cores"], **options)
                reply({})
            else:
                reply({**measure(), "peak_mib": resident("VmHWM")})
        except Exception as error:  # the parent reports it and goes on with the other sides
            reply({"error": f"{type(error).__name__}: {error}"})


def main(_) -> None:
    replies = own_output()
    serve(FLAGS.side, sys.stdin, replies)


if __name__ == "__main__":
    flags.mark_flag_as_required("side")
    app.run(main)
