"""From a checkpoint to the weights file and the graphs of infer."""
