"""How every script starts and ends: flags parsed, bad input as one line and exit code 2."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from absl import flags

from experiments._declared import FLAGS, Group, defined, group, settle
from experiments._help import asked, help_text
from tl_jax.errors import InputError

STOPPED = "stopped; nothing was left half-written, and --resume goes on after finished parts"
CUT_OFF = 128 + 13  # whoever read the output has gone, as `head` does: what the shell says of SIGPIPE


@dataclass(frozen=True)
class Script:
    """A script: main(["--cohort=simulated"]) runs it in this process and returns its exit code.

    doc: what --help says first. work: does it, with FLAGS parsed; takes the arguments that are no flags if
    takes_paths. stopped: what is said when the user stops it.
    """

    doc: str
    groups: tuple[Group, ...]
    work: Callable[..., int | None]
    takes_paths: bool = False
    stopped: str = STOPPED

    def __call__(self, argv: list[str] | None = None, doc: str = "") -> int:
        """Parse the arguments (default: those of the process), work, and return the exit code.

        doc: in place of the script's own, where it is a part of another command.
        """
        arguments = sys.argv[1:] if argv is None else list(argv)
        if asked(arguments):
            return guarded(lambda: print(help_text(doc or self.doc, self.groups, defined(self.groups))))
        return guarded(lambda: self.perform(arguments), self.stopped)

    def perform(self, arguments: list[str]) -> int | None:
        """Parse and work; InputError where the input is bad."""
        values, paths = self.parse(arguments)
        quiet_libraries()
        with FLAGS.of(values):
            return self.work(*([paths] if self.takes_paths else []))

    def parse(self, arguments: list[str]) -> tuple[flags.FlagValues, list[str]]:
        """The values of the flags, and the arguments that are no flags."""
        values = defined(self.groups)
        paths = parsed(values, arguments, self.takes_paths)
        try:
            settle(values, self.groups)
        except flags.Error as error:
            raise InputError(str(error)) from error
        return values, paths

    def run(self) -> None:
        """Be the process: end it with the exit code."""
        end(self())


def run(main: Callable[[], int | None]) -> None:
    """Be the process of a tool whose flags are absl's own, as those of benchmarks/ are."""
    arguments, own = sys.argv[1:], flags.FLAGS.get_key_flags_for_module(sys.argv[0])
    if asked(arguments):
        listed = group("flags", *own)
        end(guarded(lambda: print(help_text(sys.modules["__main__"].__doc__ or "", (listed,), flags.FLAGS))))

    def work() -> int | None:
        parsed(flags.FLAGS, arguments, takes_paths=False)
        quiet_libraries()
        return main()

    end(guarded(work))


def call(name: str, argv: list[str]) -> int:
    """Run a script of experiments/ in this process, by name: its exit code."""
    return importlib.import_module(f"experiments.{name}").main(argv)


def parsed(values: flags.FlagValues, arguments: list[str], takes_paths: bool) -> list[str]:
    """The arguments that are no flags; a flag that does not exist or does not parse is bad input like any other."""
    try:
        rest = values([sys.argv[0], *arguments])[1:]
    except flags.Error as error:
        hint = "" if "Did you mean" in str(error) else " (--help lists the flags)"
        raise InputError(f"{error}{hint}") from error
    if rest and not takes_paths:
        raise InputError(f"unexpected argument '{rest[0]}'; every option is a flag, such as --cohort=nci60")
    return rest


def quiet_libraries() -> None:
    """Of what libraries log, show warnings: orbax reports every file that it writes."""
    from absl import logging

    logging.use_absl_handler()
    logging.set_verbosity(logging.WARNING)


def guarded(work: Callable[[], int | None], stopped: str = STOPPED) -> int:
    """The exit code of some work: 0 or what it returns, 2 with one line on bad input."""
    try:
        code = work() or 0
        sys.stdout.flush()  # what was printed is still in a buffer: its reader may have gone
        return code
    except InputError as error:
        return fail(error)
    except BrokenPipeError:
        return cut_off()
    except OSError as error:  # a disk that is full, a folder that may not be read or written
        return fail(f"{error.strerror or error}: {error.filename or 'a file could not be read or written'}")
    except KeyboardInterrupt:
        print(stopped, file=sys.stderr)
        return 130
    except Exception:
        if several():  # what breaks when a peer is gone has many names; anything else is shown whole
            traceback.print_exc()
            several().give_up("it cannot go on, most likely because a peer has ended")
        raise


def cut_off() -> int:
    """Whoever read the output has gone. Python would complain once more while it ends; there is nobody to read it."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
    return CUT_OFF


def several():
    """The module of the processes that share this study; None where there is one process.

    Looked up instead of imported: a script that never joined others needs no jax.
    """
    cluster = sys.modules.get("tl_jax.system.cluster")
    return cluster if cluster is not None and cluster.several() else None


def end(code: int) -> None:
    """Leave; with other processes at work, at once: jax's own goodbye makes them wait, or aborts them."""
    if several():
        if code == 0:
            several().part()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def fail(message) -> int:
    print(f"error: {' '.join(str(message).split())}", file=sys.stderr)
    return 2
