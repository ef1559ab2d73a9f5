"""Programs and functions that make data folders."""
