"""The doors: one module for each program, its arguments and its exit code."""
