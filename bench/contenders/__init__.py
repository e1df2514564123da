"""One program a contender, each run in its own environment; they import nothing of one another."""
