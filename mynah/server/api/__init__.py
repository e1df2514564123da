"""Our own routes, under /api: one file for each noun."""
