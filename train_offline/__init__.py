"""Everything that happens before the image is built: scenes, training, export, the dry run."""
