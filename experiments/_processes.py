"""Flags of several processes that share one study."""

from __future__ import annotations

from absl import flags

from tl_jax.system import cluster

FLAGS = flags.FLAGS

flags.DEFINE_string("coordinator", None, "host:port of process 0, to share a study between processes")
flags.DEFINE_integer("processes", None, "how many processes share the study")
flags.DEFINE_integer("process", None, "which of them this is, from 0")


def join() -> None:
    """Join the other processes, if the flags or a launcher name any; before any array exists."""
    cluster.join(FLAGS.coordinator, FLAGS.processes, FLAGS.process)
