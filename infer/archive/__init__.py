"""Many machines, one archive: what maps it unit by unit; nothing else in infer imports this."""
