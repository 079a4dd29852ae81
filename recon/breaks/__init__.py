"""The break register: every break is followed, by an append-only log, until it is closed."""
