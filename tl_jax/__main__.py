"""python -m tl_jax: the same as the command tl_jax."""

from experiments._tl_jax import run

if __name__ == "__main__":
    run()
