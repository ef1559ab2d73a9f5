"""The process itself: what it may use, and how it starts, is watched and ends."""
