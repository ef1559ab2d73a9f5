"""What is known of one labelled scene once it was read: figures, what it looks like, what is odd in it."""
