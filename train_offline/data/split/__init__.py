"""Training and validation lists: which scenes belong together, and on which side."""
