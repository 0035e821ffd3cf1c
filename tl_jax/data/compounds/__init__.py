"""Compounds: their tables, fingerprints, splits and simulator."""
