"""Many machines: an archive of scenes in an object store. Nothing else in infer imports it."""
