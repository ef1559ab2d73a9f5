"""Units of an archive: what one is, and how many are worked through, on one machine or on many."""
