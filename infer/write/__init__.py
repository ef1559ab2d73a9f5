"""Masks on the disk, what they were made with, and what a run says of itself at its end."""
