"""The networks in training, by name, and the way to the slim ones of infer and back."""
