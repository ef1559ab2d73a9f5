"""Many machines: mapping ice over an archive of scenes in a store. Nothing else in infer imports it."""
