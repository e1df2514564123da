"""One assistant turn: a conversation goes in, text comes out; and the reward model's view of such turns."""
