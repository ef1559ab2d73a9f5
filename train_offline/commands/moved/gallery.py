"""Say where this command has gone."""

raise SystemExit("train_offline.gallery has moved: python -m train_offline.judging.showcase.gallery")
