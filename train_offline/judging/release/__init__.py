"""The image as a file to submit."""
