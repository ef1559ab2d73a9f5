"""Say where this command has gone."""

raise SystemExit("train_offline.blue_marble has moved: python -m train_offline.data.makers.blue_marble")
