"""Pages of the app without a browser: what the tests of tests/app share."""

import base64
import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("streamlit", reason="the app needs tl_jax[app]")
pytest.importorskip("plotly", reason="the app needs tl_jax[app]")

from scripting import script
from streamlit.testing.v1 import AppTest

from experiments._tl_jax import SUBCOMMANDS
from tl_jax.app.parts import jobs
from tl_jax.app.parts.options import VARIABLE, Options

SLOWEST = 60  # seconds that a page may take on a machine with other work


def given(monkeypatch, tmp_path: Path, **chosen) -> Options:
    """The app's options, handed over as the command does it."""
    made = Options(**{"state": str(tmp_path / "state"), **{name: str(value) for name, value in chosen.items()}})
    monkeypatch.setenv(VARIABLE, made.written()[VARIABLE])
    return made


def page(name: str, **query: str) -> AppTest:
    """A page, drawn, with these choices in its address."""
    app = AppTest.from_string(f"from tl_jax.app.main import drawn\ndrawn({json.dumps(name)})", default_timeout=SLOWEST)
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception, app.exception
    return app


def press(app: AppTest, label: str) -> AppTest:
    """The page after its button of this name was pressed."""
    [button] = [one for one in app.button if one.label == label]
    button.click().run()
    assert not app.exception, app.exception
    return app


def run_at_once(monkeypatch) -> None:
    """A job is the real command, run to its end before the page goes on."""

    def run(job):
        (job.folder / "asked").touch()
        name, *rest = job.asked["argv"]
        code, output, errors = script(SUBCOMMANDS[name], *rest, folder=job.folder)
        (job.folder / "log.txt").write_text(output + errors)
        (job.folder / "end.json").write_text(json.dumps({"code": code, "seconds": 1.0}))

    monkeypatch.setattr(jobs.Job, "again", run)


def words(app: AppTest) -> str:
    """The markup of all text that a page shows."""
    return "\n".join(element.proto.body for element in app.get("html"))


def charts(app: AppTest) -> list[dict]:
    """The figures of plotly on a page."""
    return [json.loads(element.proto.spec) for element in app.get("plotly_chart")]


def numbers(values):
    """A list of plotly, which packs numbers."""
    return np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"]) if isinstance(values, dict) else values
