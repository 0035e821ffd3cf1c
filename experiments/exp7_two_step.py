"""Experiment 7: two steps, source to intermediate to target.

python -m experiments.exp7_two_step --cohort=simulated --quick
"""

from experiments._experiment import run

if __name__ == "__main__":
    run("exp7_two_step")
