"""The settings of a training, their presets, and the arguments that fill them."""
