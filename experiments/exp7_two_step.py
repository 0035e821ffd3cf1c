"""Experiment 7: two steps, source to intermediate to target.

python -m experiments.exp7_two_step --cohort=simulated --quick
"""

from experiments._scripts import experiment

main = experiment("exp7_two_step", __doc__)

if __name__ == "__main__":
    main.run()
