"""How often the tests of two arms are wrong, measured on simulated cohorts: `python -m benchmarks.calibration`."""
