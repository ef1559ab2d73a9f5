"""The shipped graphs are those that their makers make."""

from __future__ import annotations

from pathlib import Path

import pytest

from infer.predict.onnx_engine import GRAPHS
from infer.predict.openvino_engine import GRAPH as OPENVINO_GRAPH


@pytest.mark.parametrize("precision", GRAPHS)
def test_the_graph_is_the_one_that_its_maker_makes(precision: str) -> None:
    from train_offline.export.onnx_graph import graph

    assert GRAPHS[precision].read_bytes() == graph(precision)


def test_so_is_that_of_openvino(tmp_path: Path) -> None:
    from train_offline.export.openvino_graph import write

    write(tmp_path / "graph.xml")
    for suffix in (".xml", ".bin"):
        made = (tmp_path / "graph.xml").with_suffix(suffix).read_bytes()
        assert made == OPENVINO_GRAPH.with_suffix(suffix).read_bytes()
