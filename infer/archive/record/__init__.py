"""What a run keeps of itself: what it depends on, which scenes it has, and what became of them."""
