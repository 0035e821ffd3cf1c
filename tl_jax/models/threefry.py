"""Threefry-2x32 written out as plain arithmetic, so that noise fuses into one loop.

jax.random on a CPU rolls the twenty rounds into a loop of small programs and spends a whole block on each number;
for the few thousand numbers of one step that took longer than the step's matrix products. Here the rounds are
unrolled and all 64 bits of a block are used. Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
PARITY = np.uint32(0x1BD11BDA)


def threefry2x32(key: tuple[jax.Array, jax.Array], first: jax.Array, second: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The two words (uint32) of the block with counter (first, second), elementwise."""
    schedule = (*key, key[0] ^ key[1] ^ PARITY)
    a, b = first + schedule[0], second + schedule[1]
    for group in range(5):
        for distance in ROTATIONS[group % 2]:
            a = a + b
            b = a ^ ((b << np.uint32(distance)) | (b >> np.uint32(32 - distance)))
        a = a + schedule[(group + 1) % 3]
        b = b + schedule[(group + 2) % 3] + np.uint32(group + 1)
    return a, b


def bits16(key: jax.Array, rows: int, columns: int, stream: int = 0) -> jax.Array:
    """(rows, columns) uint32 below 2**16 from a typed threefry key, four of them from each block.

    A number depends on its place, not on how many rows there are.

    stream: tells apart several draws from one key, at no cost; at most 255, for at most 2**24 rows.
    """
    words = jax.random.key_data(key)
    quarter = (rows, -(-columns // 4))
    row, column = (jax.lax.broadcasted_iota(jnp.uint32, quarter, axis) for axis in (0, 1))
    # Without the barrier each of the four parts would compute its blocks anew.
    pair = jax.lax.optimization_barrier(threefry2x32((words[0], words[1]), row | np.uint32(stream << 24), column))
    low, high = np.uint32(0xFFFF), np.uint32(16)
    return jnp.concatenate([part for word in pair for part in (word & low, word >> high)], axis=1)[:, :columns]
