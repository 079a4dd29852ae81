"""Simulated histories with a seed, the files they leave behind, and the truth that a reconciliation is scored against."""
