"""Losses, optimiser and learning rate."""
