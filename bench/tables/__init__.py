"""One table a file: what is measured, who takes part, and what the goal is."""
