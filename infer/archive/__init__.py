"""Many machines: ice over an archive of scenes. Nothing else in infer imports it."""
