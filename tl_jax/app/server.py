"""How the app is started: Streamlit on this machine alone, without telemetry and without a file watcher."""

from __future__ import annotations

import importlib
import importlib.util
import os
import socket
import sys
import threading
from pathlib import Path

from tl_jax.app.parts.options import Options
from tl_jax.errors import InputError

HERE = "127.0.0.1"
SCRIPT = Path(__file__).with_name("main.py")
MISSING = "the app needs streamlit and plotly: pip install 'tl_jax[app]' (no part of tl_jax[all])"


def check(options: Options, address: str, port: int) -> None:
    """Refuse before the start what cannot work."""
    if not all(importlib.util.find_spec(name) for name in ("streamlit", "plotly")):
        raise InputError(MISSING)
    for flag, folder, marker in (("study", options.study, "summary.json"), ("cells", options.cells, "signs.csv")):
        if folder and not (Path(folder) / marker).is_file():
            raise InputError(f"--{flag}={folder} holds no {marker}; name the --out folder of a study that has ended")
    for flag, folder, what in (("results", options.results, "studies"), ("models", options.models, "checkpoints")):
        if folder and not Path(folder).is_dir():
            raise InputError(f"--{flag}={folder} is no folder; name one that holds finished {what}")
    if options.password_file:
        check_password(Path(options.password_file))
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address, port))
    except OSError as error:
        raise InputError(f"cannot listen at {address}:{port}: {error.strerror}; choose another --port") from error


def check_password(path: Path) -> None:
    """Refuse a file of the password that is not there, or that says nothing."""
    try:
        said = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--password_file={path} cannot be read; name a text file with the password") from error
    if not said:
        raise InputError(f"--password_file={path} is empty; write the password into it")


def command(options: Options, address: str, port: int) -> list[str]:
    """What Streamlit is called with."""
    settings = {
        "server.address": address,
        "server.port": port,
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "server.maxUploadSize": options.upload_mb,
        "browser.gatherUsageStats": "false",
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",
        "runner.magicEnabled": "false",
        "theme.light.primaryColor": "#0072B2",
        "theme.dark.primaryColor": "#56B4E9",
    }
    flags = [f"--{name}={value}" for name, value in settings.items()]
    return ["streamlit", "run", str(SCRIPT), *flags]


def serve(options: Options, address: str, port: int) -> None:
    """Be the server until it is stopped."""
    check(options, address, port)
    from streamlit.web import cli

    os.environ.update(options.written())
    threading.Thread(target=warm, daemon=True).start()
    print(f"the app: http://{address}:{port} (Ctrl-C ends it; studies that run go on)", flush=True)
    sys.argv = command(options, address, port)
    cli.main()


def warm() -> None:
    """Load what the first visitor would wait for."""
    for name in ("tl_jax.report.sections", "tl_jax.app.views"):
        importlib.import_module(name)
