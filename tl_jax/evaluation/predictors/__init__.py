"""Baselines and transfer in closed form."""
