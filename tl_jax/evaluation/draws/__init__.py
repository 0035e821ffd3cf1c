"""Judging arms over draws of training compounds and one test set."""
