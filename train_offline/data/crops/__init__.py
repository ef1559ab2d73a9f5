"""Training crops: where they are cut, and how they are augmented."""
