"""The text of --help: what a script does, and its flags by task instead of by alphabet."""

from __future__ import annotations

import shutil
import textwrap

from absl import flags

from experiments._declared import Group

ASKING = ("--help", "-help", "--helpshort", "-helpshort", "--helpfull", "-helpfull", "-h")


def asked(arguments: list[str]) -> bool:
    """Whether the arguments ask for help; what follows a bare -- is no flag."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    return any(argument in ASKING for argument in arguments[:end])


def help_text(doc: str, groups: tuple[Group, ...], values: flags.FlagValues) -> str:
    """A script's description and its flags, those of one task together."""
    tasks: dict[str, list[str]] = {}
    for own in groups:
        tasks.setdefault(own.task, []).extend(flag.name for flag in own.flags)
    width = min(110, shutil.get_terminal_size((110, 24)).columns)
    blocks = [doc.strip()]
    for task, names in tasks.items():
        blocks.append("\n".join([f"{task}:", *(described(values[name], width) for name in names)]))
    return "\n\n".join(blocks)


def described(flag: flags.Flag, width: int) -> str:
    """One flag: its name, its words, what it means and its default."""
    name = f"--[no]{flag.name}" if flag.boolean else f"--{flag.name}"
    said = [flag.help]
    default = ",".join(map(str, flag.default)) if isinstance(flag.default, list) else flag.default
    if not flag.boolean and default not in (None, "") and "default" not in flag.help:
        said.append(f"default: {default}")
    body = f"{name}: {'; '.join(said)}"
    return textwrap.fill(body, width, initial_indent="  ", subsequent_indent=" " * 6, break_on_hyphens=False)
