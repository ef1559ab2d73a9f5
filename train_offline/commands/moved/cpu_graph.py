"""Say where this command has gone."""

raise SystemExit("train_offline.cpu_graph has moved: python -m train_offline.export.onnx_graph")
