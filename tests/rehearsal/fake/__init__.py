"""Fake CUDA: tensors without content that say they lie on a GPU. Shows types, layouts, copies; no numbers."""
