"""The tests of downloads skip where the extra `fetch` is not installed."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
for package in ("pooch", "requests"):
    pytest.importorskip(package, reason="downloads need pip install tl_jax[fetch]")
