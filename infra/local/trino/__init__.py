"""A real Trino server for the local stack: installed once per machine, started and stopped like the other parts."""
