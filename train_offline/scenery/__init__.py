"""Synthetic optical sea-ice scenes in the manner of the Bohai Sea, drawn from a seed with exact masks."""
