"""What is broken, missing, striped or doubled in a data folder, and how to fix it."""
