"""How every script starts and ends: flags parsed, bad input as one line and exit code 2."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable

from absl import app, flags, logging

from tl_jax.errors import InputError


def run(main: Callable[..., int | None], takes_paths: bool = False, flags_of: tuple = ()) -> None:
    """Parse the flags, call main() (or main(arguments)) and exit: 0 or what it returns, 2 with one line on bad input.

    flags_of: modules whose flags are the script's own too, so that --helpshort shows them.
    """
    show(flags_of)

    def guarded(argv: list[str]) -> int:
        if not flags.FLAGS["verbosity"].present:  # orbax reports every file it writes at level INFO
            logging.set_verbosity(logging.WARNING)
        try:
            if len(argv) > 1 and not takes_paths:
                raise InputError(f"unexpected argument '{argv[1]}'; every option is a flag, such as --cohort=nci60")
            code = main(*([argv[1:]] if takes_paths else []))
        except InputError as error:
            return leave(fail(error))
        except OSError as error:  # a disk that is full, a folder that may not be read or written
            return leave(fail(f"{error.strerror or error}: {error.filename or 'a file could not be read or written'}"))
        except KeyboardInterrupt:
            print("stopped; nothing was left half-written, and --resume goes on after finished parts", file=sys.stderr)
            return leave(130)
        except Exception:
            if several():  # what breaks when a peer is gone has many names; anything else is shown whole
                traceback.print_exc()
                several().give_up("it cannot go on, most likely because a peer has ended")
            raise
        if several():
            several().part()
        return leave(code or 0)

    app.run(guarded, flags_parser=parse)


def show(modules: tuple) -> None:
    """Make the flags of some modules the script's own for --helpshort."""
    for flag in (flag for module in modules for flag in flags.FLAGS.flags_by_module_dict()[module.__name__]):
        flags.FLAGS.register_key_flag_for_module(sys.argv[0], flag)


def several():
    """The module of the processes that share this study; None where there is one process.

    Looked up instead of imported: a script that never joined others needs no jax.
    """
    cluster = sys.modules.get("tl_jax.system.cluster")
    return cluster if cluster is not None and cluster.several() else None


def parse(argv: list[str]) -> list[str]:
    """absl's parser; a flag that does not exist or does not parse is bad input like any other."""
    try:
        return flags.FLAGS(argv)
    except flags.Error as error:
        hint = "" if "Did you mean" in str(error) else " (--helpshort lists the flags)"
        sys.exit(fail(f"{error}{hint}"))


def leave(code: int) -> int:
    """The exit code; with other processes at work, exit now: jax's own goodbye makes them wait, or aborts them."""
    if several():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


def fail(message) -> int:
    print(f"error: {' '.join(str(message).split())}", file=sys.stderr)
    return 2
