"""Experiment 5: one step, intermediate to target.

python -m experiments.exp5_intermediate_to_target --cohort=simulated --quick
"""

from experiments._experiment import run

if __name__ == "__main__":
    run("exp5_intermediate_to_target")
