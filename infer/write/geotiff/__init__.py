"""Masks as GeoTIFF that lie where their scenes lie."""
