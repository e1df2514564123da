"""What the models can do and what training did to them: exam, win rate, reward accuracy, KL frontier, report."""
