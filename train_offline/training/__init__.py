"""From the arguments of a training to its last checkpoint."""
