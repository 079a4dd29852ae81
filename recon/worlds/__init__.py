"""Simulated histories with a seed, the files they leave, and the truth that a reconciliation is scored against."""
