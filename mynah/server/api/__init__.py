"""Our own routes, under /api: what the pages speak to."""
