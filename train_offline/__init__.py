"""All that happens before the image is built: scenes, training, export, dry run. `infer` never imports it."""
