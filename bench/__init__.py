"""Side-by-side benchmarks: ours and the rivals, same weights, data and machine, in turn (docs/performance.md)."""
