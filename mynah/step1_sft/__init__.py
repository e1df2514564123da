"""Step 1: a policy from demonstrations; and FeedME, the same on the best-rated samples."""
