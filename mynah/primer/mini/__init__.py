"""The mini-world: a valley of villagers that a 0.8M-parameter model learns in seconds; for tests and the mini demo."""
