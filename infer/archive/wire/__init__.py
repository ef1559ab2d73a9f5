"""What the two sides of the mapper share: its requests, its answers, and how a mask is written."""
