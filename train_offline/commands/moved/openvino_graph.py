"""Say where this command has gone."""

raise SystemExit("train_offline.openvino_graph has moved: python -m train_offline.export.openvino_graph")
