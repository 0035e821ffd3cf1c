"""Measurements: speed and memory beside other libraries, against the machine's own floor, and how they grow; how often
the tests of two arms are wrong (`benchmarks.calibration`).

They need a checkout (`python -m benchmarks.side_by_side` in its root) and, for the other libraries, the extra [bench].
"""
