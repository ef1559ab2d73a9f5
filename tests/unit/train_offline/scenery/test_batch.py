"""A plan of many scenes."""

from __future__ import annotations

from collections import Counter

from train_offline.scenery.batch import plan


def test_plan_keeps_the_share_of_ice_and_takes_sizes_in_turn() -> None:
    orders = plan(20, (64, 128), seed=4, ice_share=0.25)
    assert sum(order.ice for order in orders) == 5
    assert Counter(order.size for order in orders) == {64: 10, 128: 10}
    assert len({order.seed for order in orders}) == len({order.stem for order in orders}) == 20
    assert orders == plan(20, (64, 128), seed=4, ice_share=0.25)
    assert {order.seed for order in orders}.isdisjoint(
        o.seed for o in plan(20, (64,), seed=5, ice_share=0.25)
    )
