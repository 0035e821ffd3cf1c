"""How the app is started: bad flags are one line before any server, and the server keeps to itself."""

import socket

import pytest
from scripting import script

from tl_jax.app.parts.options import VARIABLE, Options
from tl_jax.app.server import check, command
from tl_jax.errors import InputError

pytest.importorskip("streamlit", reason="the app needs tl_jax[app]")
pytest.importorskip("plotly", reason="the app needs tl_jax[app]")


def test_the_server_tells_nobody_and_listens_here():
    flags = command(Options(upload_mb=7), "127.0.0.1", 8501)
    assert "--server.address=127.0.0.1" in flags
    assert "--browser.gatherUsageStats=false" in flags
    assert "--server.maxUploadSize=7" in flags


def test_every_setting_is_one_that_streamlit_knows():
    from streamlit import config

    for flag in command(Options(), "127.0.0.1", 8501):
        if flag.startswith("--"):
            assert flag[2:].split("=")[0] in config.get_config_options()


def test_options_are_handed_over_whole():
    import json

    given = Options(study="/a b/ü", at_once=3)
    assert Options(**json.loads(given.written()[VARIABLE])) == given


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"study": "nowhere"}, "--study=nowhere holds no summary.json"),
        ({"cells": "nowhere"}, "--cells=nowhere holds no signs.csv"),
        ({"results": "nowhere"}, "--results=nowhere is no folder"),
        ({"password_file": "nowhere"}, "--password_file=nowhere cannot be read"),
    ],
)
def test_what_is_not_there_is_one_line(chosen, said):
    with pytest.raises(InputError, match=said):
        check(Options(**chosen), "127.0.0.1", 0)


def test_an_empty_password_lets_nobody_in(tmp_path):
    (tmp_path / "secret").write_text("\n")
    with pytest.raises(InputError, match="is empty"):
        check(Options(password_file=str(tmp_path / "secret")), "127.0.0.1", 0)


def test_a_port_that_is_taken_is_one_line(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        code, _, errors = script("app", f"--port={port}", f"--state_dir={tmp_path}", folder=tmp_path)
    assert code == 2
    assert f"cannot listen at 127.0.0.1:{port}" in errors
    assert "choose another --port" in errors
