"""Experiment 6: one step, source to target, from the source drug that experiment 3 chose.

python -m experiments.exp6_source_to_target --cohort=simulated --quick
"""

from experiments._experiment import run

if __name__ == "__main__":
    run("exp6_source_to_target")
