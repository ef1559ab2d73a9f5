"""Say where this command has gone."""

raise SystemExit("train_offline.flops has moved: python -m train_offline.models.flops")
