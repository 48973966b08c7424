"""Evaluation: curves, errors, calibration, and the comparison of experiments."""
