"""Side-by-side benchmarks: ours and the rivals on the same weights, data and machine, in turn. See docs/performance.md."""
