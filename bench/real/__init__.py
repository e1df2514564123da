"""Experiments on people's real judgements: folds, baselines, a rival from the same checkpoint, intervals."""
