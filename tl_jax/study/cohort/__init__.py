"""Studies of a cohort: the seven experiments, the study of them all, predictions."""
