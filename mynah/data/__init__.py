"""Data sets as people bring them: checked and summarised."""
