"""Training: one run as a pure function, and the run axis around it."""
