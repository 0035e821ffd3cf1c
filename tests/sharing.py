"""What is dear is made once: by the files that share it on one worker, by all tests of one process."""

from contextlib import contextmanager
from unittest.mock import patch

import pytest

# Files by name that use one finished study, or programs of equal shapes, which one process compiles once.
GROUPS = {"two_step": ("test_run", "test_predict", "test_lineage", "test_api", "test_scripts")}
GROUP = {name: group for group, names in GROUPS.items() for name in names}


def scope(nodeid: str) -> str:
    """What stays on one worker: a file, or its group."""
    path = nodeid.split("::", 1)[0]
    return GROUP.get(path.rpartition("/")[2].removesuffix(".py"), path)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """As --dist loadfile, but for the groups."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Grouped(LoadFileScheduling):
        def _split_scope(self, nodeid):
            return scope(nodeid)

    return Grouped(config, log)


CHEMISTRY = {}  # what rdkit made of the simulated compounds, which many tests ask for


@contextmanager
def chemistry_once():
    """What rdkit works out inside the block is worked out once in a process; files are kept and read as ever."""
    from tl_jax.data.compounds import fingerprints, molecules
    from tl_jax.data.compounds.chemical_cache import cached
    from tl_jax.system.files import digest

    def remembered(folder, what, smiles, settings, version, compute):
        def once():
            key = digest(what, list(smiles), settings, version)
            if key not in CHEMISTRY:
                CHEMISTRY[key] = compute()
            return CHEMISTRY[key]

        return cached(folder, what, smiles, settings, version, once)

    with patch.object(molecules, "cached", remembered), patch.object(fingerprints, "cached", remembered):
        yield
