"""C for processors with AVX512-BF16, compiled on the spot; PyTorch does the same where that cannot be."""
