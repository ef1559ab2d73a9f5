"""Objects under keys: in a local folder or in an object store, behind one face."""
