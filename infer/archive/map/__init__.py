"""The map of an archive as one HTML page, and the small pictures beside it."""
