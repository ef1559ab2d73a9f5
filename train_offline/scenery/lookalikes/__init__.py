"""What is taken for ice and is none."""
