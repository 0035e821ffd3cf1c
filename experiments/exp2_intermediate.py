"""Experiment 2: the intermediate cohort from scratch (HGCC in the published study).

python -m experiments.exp2_intermediate --cohort=simulated --quick
"""

from experiments._scripts import experiment

main = experiment("exp2_intermediate", __doc__)

if __name__ == "__main__":
    main.run()
