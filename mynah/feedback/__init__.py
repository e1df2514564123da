"""From evidence to training data: who judged what, simulated labellers, agreement."""
