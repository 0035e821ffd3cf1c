"""Experiment 3: one step, source to intermediate, for each source drug; writes down the best one.

python -m experiments.exp3_source_to_intermediate --cohort=simulated --quick
"""

from experiments._scripts import experiment

main = experiment("exp3_source_to_intermediate", __doc__)

if __name__ == "__main__":
    main.run()
