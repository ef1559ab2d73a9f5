"""The one set of rules by which every command judges a data folder: what stops it, and what to look at."""
