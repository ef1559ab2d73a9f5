"""TIFFs that are not plain RGB: where their parts lie, how these are coded, and where there is no data."""
