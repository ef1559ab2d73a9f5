"""Many machines: mapping ice over an archive of scenes in an object store. Nothing else in infer imports it."""
