"""From bulk lines to single cells: one score per cell, and how far it can be trusted."""
