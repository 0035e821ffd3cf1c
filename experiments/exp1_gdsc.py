"""Experiment 1: the source, one model per drug, from scratch (GDSC in the published study).

python -m experiments.exp1_gdsc --cohort=simulated --quick
"""

from experiments._experiment import run

if __name__ == "__main__":
    run("exp1_gdsc")
