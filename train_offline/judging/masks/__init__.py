"""Masks: audited, scored, compared, drawn."""
