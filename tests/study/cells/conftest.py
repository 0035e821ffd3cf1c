"""Studies of cells keep their checkpoints, and count looks, in a folder that goes with the test file."""

import pytest


@pytest.fixture(scope="module", autouse=True)
def elsewhere(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("work"))
        yield
