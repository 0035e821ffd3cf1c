"""A cohort file drafted from two tables."""
