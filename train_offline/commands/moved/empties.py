"""Say where this command has gone."""

raise SystemExit("train_offline.empties has moved: python -m train_offline.data.makers.negatives")
