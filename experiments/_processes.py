"""Several processes that share one study."""

from __future__ import annotations

from experiments._declared import FLAGS
from tl_jax.system import cluster


def join() -> None:
    """Join the other processes, if the flags or a launcher name any; before any array exists."""
    cluster.join(FLAGS.coordinator, FLAGS.processes, FLAGS.process)
