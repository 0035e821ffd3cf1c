"""Experiment 6: one step, source to target, from the source drug that experiment 3 chose.

python -m experiments.exp6_source_to_target --cohort=simulated --quick
"""

from experiments._scripts import experiment

main = experiment("exp6_source_to_target", __doc__)

if __name__ == "__main__":
    main.run()
