"""What every training step shares: packing, token loss, optimiser, one update, metrics, exact resume."""
