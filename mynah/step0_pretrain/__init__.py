"""Step 0: a base model from raw text."""
