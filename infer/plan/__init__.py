"""What is to be done: which scenes there are, what their headers say, in which order and tiles they run."""
