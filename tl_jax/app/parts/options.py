"""What the command told the app: handed over in the environment, since Streamlit starts the script by itself."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from tl_jax.system.files import cache_folder

VARIABLE = "TLJAX_APP"
QUEUE = 20  # jobs that may wait or run; a further one is refused
DAY = 24 * 3600.0  # seconds after which uploads, and studies made from them, are deleted


@dataclass(frozen=True)
class Options:
    """study, cells: folders of finished studies to open on; results: folder whose finished studies are offered; models:
    folder of checkpoints whose models of compounds are offered.

    state: the app's own files. password_file: holds the password that visitors must know. at_once: jobs that run at
    the same time. upload_mb: the largest table that may be uploaded.
    """

    study: str | None = None
    cells: str | None = None
    results: str | None = None
    models: str | None = None
    state: str = ""
    password_file: str | None = None
    at_once: int = 1
    upload_mb: int = 50

    @property
    def place(self) -> Path:
        return Path(self.state) if self.state else cache_folder() / "app"

    @property
    def jobs(self) -> Path:
        return self.place / "jobs"

    @property
    def uploads(self) -> Path:
        return self.place / "uploads"

    def written(self) -> dict[str, str]:
        """The environment that hands these options over."""
        return {VARIABLE: json.dumps(asdict(self))}


def options() -> Options:
    """The options of this server."""
    return Options(**json.loads(os.environ.get(VARIABLE, "{}")))
