"""Experiment 3: one step, source to intermediate, for each source drug; writes down the best one.

python -m experiments.exp3_source_to_intermediate --cohort=simulated --quick
"""

from experiments._experiment import run

if __name__ == "__main__":
    run("exp3_source_to_intermediate")
