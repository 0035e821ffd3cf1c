"""Public data from its owners: the only room that reaches the network, and only experiments/fetch.py may call it."""
