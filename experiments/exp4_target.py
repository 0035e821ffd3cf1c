"""Experiment 4: the target from scratch (GSE232173 in the published study).

python -m experiments.exp4_target --cohort=simulated --quick
"""

from experiments._scripts import experiment

main = experiment("exp4_target", __doc__)

if __name__ == "__main__":
    main.run()
