"""How scenes become masks: in batches, or, where they are too large for memory, some rows at a time."""
