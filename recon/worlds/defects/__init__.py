"""Defects: each one a small operation on the history, registered with how often it is planted."""
