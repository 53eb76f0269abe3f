"""Measurement against ground truth."""
