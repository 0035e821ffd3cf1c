"""Experiment 1: the source, one model per drug, from scratch (GDSC in the published study).

python -m experiments.exp1_gdsc --cohort=simulated --quick
"""

from experiments._scripts import experiment

main = experiment("exp1_gdsc", __doc__)

if __name__ == "__main__":
    main.run()
