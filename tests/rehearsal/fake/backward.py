"""The backward pass without torch's engine, which asks the driver for streams and fails without one."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import torch

Node = torch.autograd.graph.Node


@torch.no_grad()
def walk_backward(loss: torch.Tensor) -> None:
    """Give every parameter its gradient, by torch's own formulas, node by node in the order of the graph."""
    assert loss.grad_fn is not None
    missing = _edges_into_nodes(loss.grad_fn)
    gradients: dict[Node, dict[int, torch.Tensor]] = defaultdict(dict)
    gradients[loss.grad_fn][0] = torch.ones_like(loss)
    ready = [loss.grad_fn]
    while ready:
        node = ready.pop()
        for (following, number), gradient in zip(
            node.next_functions, _apply(node, gradients.pop(node, {})), strict=True
        ):
            if following is None:
                continue
            if gradient is not None:
                before = gradients[following].get(number)
                gradients[following][number] = gradient if before is None else before + gradient
            missing[following] -= 1
            if not missing[following]:
                ready.append(following)


def _apply(node: Node, inputs: dict[int, torch.Tensor]) -> tuple[torch.Tensor | None, ...]:
    """The gradients of what the node was made of; a parameter's own node keeps what it is given."""
    if not inputs:
        return (None,) * len(node.next_functions)
    results: Any = node(*(inputs.get(number) for number in range(len(node._input_metadata))))
    if not node.next_functions:
        return ()
    return results if isinstance(results, tuple) else (results,)


def _edges_into_nodes(root: Node) -> Counter[Node]:
    """How many gradients each node waits for; the counter also keeps the nodes' Python objects alive."""
    edges: Counter[Node] = Counter()
    stack = [root]
    while stack:
        for following, _ in stack.pop().next_functions:
            if following is not None:
                if following not in edges:
                    stack.append(following)
                edges[following] += 1
    return edges
