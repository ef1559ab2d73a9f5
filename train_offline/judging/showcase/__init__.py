"""Pictures of what the shipped weights can and cannot do."""
