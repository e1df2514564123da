"""The embedded worlds: text, demonstrations, prompts, raters, judges and exams that need no network."""
