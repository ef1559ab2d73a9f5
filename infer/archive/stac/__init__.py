"""What other programs find the masks by: STAC items, and one of the weights."""
