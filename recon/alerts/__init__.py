"""Flags: one message per root cause and run, sent once, and one more when it is over."""
