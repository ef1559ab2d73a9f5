"""Data folders: which scenes they hold, their pixels, and what is wrong with them."""
