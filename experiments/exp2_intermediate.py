"""Experiment 2: the intermediate cohort from scratch (HGCC in the published study).

python -m experiments.exp2_intermediate --cohort=simulated --quick
"""

from experiments._experiment import run

if __name__ == "__main__":
    run("exp2_intermediate")
