"""Thin scripts: flags -> settings -> tl_jax -> files."""
