"""The public face: what `import tl_jax as tl` offers above the rooms of this house."""
