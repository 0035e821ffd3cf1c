"""Experiment 4: the target from scratch (GSE232173 in the published study).

python -m experiments.exp4_target --cohort=simulated --quick
"""

from experiments._experiment import run

if __name__ == "__main__":
    run("exp4_target")
