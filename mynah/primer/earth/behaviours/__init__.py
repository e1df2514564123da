"""What the assistant is asked: one module a behaviour, with prompts, good answers and the slips people make."""
