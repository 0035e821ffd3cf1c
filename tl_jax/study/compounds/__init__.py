"""Studies between protein families."""
