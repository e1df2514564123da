"""The transformer: sizes, layers, attention plans, heads, and Hugging Face folders in and out."""
