"""Experiment 5: one step, intermediate to target.

python -m experiments.exp5_intermediate_to_target --cohort=simulated --quick
"""

from experiments._scripts import experiment

main = experiment("exp5_intermediate_to_target", __doc__)

if __name__ == "__main__":
    main.run()
