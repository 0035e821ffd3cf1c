"""Keras 3 as a user writes it: compile once, model.fit. KERAS_BACKEND in the environment chooses what computes."""

from __future__ import annotations

import time

import keras
import numpy as np

from benchmarks.problem import ACTIVITY_L1, BETAS, DROPOUT, EPSILON, KERNEL_L2, Problem


def prepare(problem: Problem, cores: int):
    """Both backends take all cores by themselves."""
    keras.utils.set_random_seed(problem.seed)
    x, y = problem.training_set()
    model = network(problem)
    optimizer = keras.optimizers.Adam(problem.learning_rate, *BETAS, epsilon=EPSILON)
    model.compile(optimizer=optimizer, loss="mse", metrics=["mae"])
    optimizer.build(model.trainable_variables)
    fresh = [np.array(variable) for variable in optimizer.variables]
    weights = [part for pair in problem.first_weights().values() for part in pair]

    def measure() -> dict:
        # Set back rather than built anew: a new model would be traced again, which is not what is measured.
        model.set_weights(weights)
        for variable, value in zip(optimizer.variables, fresh, strict=True):
            variable.assign(value)
        began = time.perf_counter()
        history = model.fit(x, y, batch_size=problem.batch, epochs=problem.epochs, shuffle=True, verbose=0)
        return {
            "seconds": time.perf_counter() - began,
            "mae": [float(history.history["mae"][epoch]) for epoch in (0, -1)],
        }

    return measure


def network(problem: Problem) -> keras.Model:
    """genes -> Dense sigmoid -> Dropout -> Dense softplus -> Dropout -> Dense softplus."""
    first, second = problem.hidden
    penalties = {"kernel_regularizer": keras.regularizers.L2(KERNEL_L2)}
    penalties["activity_regularizer"] = keras.regularizers.L1(ACTIVITY_L1)
    return keras.Sequential(
        [
            keras.Input((problem.genes,)),
            keras.layers.Dense(first, activation="sigmoid", trainable=not problem.frozen, **penalties),
            keras.layers.Dropout(DROPOUT[0]),
            keras.layers.Dense(second, activation="softplus"),
            keras.layers.Dropout(DROPOUT[1]),
            keras.layers.Dense(1, activation="softplus"),
        ]
    )
