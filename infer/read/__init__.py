"""From files to pixels: decoders, what their samples mean, and where there is no data."""
