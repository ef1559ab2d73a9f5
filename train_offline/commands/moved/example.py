"""Say where this command has gone."""

raise SystemExit("train_offline.example has moved: python -m train_offline.judging.showcase.example")
