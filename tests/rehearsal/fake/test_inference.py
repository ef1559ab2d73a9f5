"""What the networks ask of a GPU: types, layouts, memory, and how often they wait for it."""

from __future__ import annotations

from collections import Counter
from typing import Any

Facts = dict[str, Any]

# Of the GPU for one tile that lies on it. Most are one kernel; a convolution is two, its bias another one.
MAX_OPERATIONS = {"unet": 140, "light": 250}
# Bytes for each pixel, which is MB for a megapixel. Of the UNet's 142.5 in fp16 its last stage needs 96: 32
# channels at full size and what a convolution makes of them. The rest is what others hold meanwhile: 21.5 for
# skips that are done with, 16 for the stage's own input, 9 for the pixels, as bytes and normalised. The light
# network's are three arrays at full size in its attention: values, gates and their product.
MAX_BYTES = {("unet", "fp16"): 143, ("unet", "fp32"): 282, ("light", "fp16"): 305, ("light", "fp32"): 607}
NUMPY = {"fp16": "float16", "fp32": "float32"}
FINITE = ("aten.sum", "aten.abs")  # whether the sum of all logits is finite
# Gates of shapes [B, C, 1, 1] and [B, 1, h, w] tell torch nothing of a layout: their sum gets the usual one.
ATTENTION = ("aten.add.Tensor", "aten.mul.Tensor")


def of(facts: Facts) -> str:
    return ", ".join(
        f"{key} {facts[key]}" for key in ("network", "precision", "source", "batch", "size") if key in facts
    )


def test_all_engines_are_rehearsed(inference: Facts) -> None:
    seen = Counter((facts["network"], facts["precision"]) for facts in inference["forwards"])
    assert set(seen) == set(MAX_BYTES)
    assert len(set(seen.values())) == 1


def test_parameters_are_on_the_gpu_in_the_engines_type(inference: Facts) -> None:
    for facts in inference["starts"]:
        kind = f"{NUMPY[facts['precision']]} cuda:0"
        others = {name: found for name, found in facts["parameters"].items() if found != kind}
        assert others == {}, of(facts)
        assert facts["normalisation"] == [kind, kind], of(facts)


def test_convolutions_weights_are_channels_last(inference: Facts) -> None:
    assert {of(facts): facts["strided"] for facts in inference["starts"] if facts["strided"]} == {}


def test_the_original_stays_on_the_cpu_in_fp32(inference: Facts) -> None:
    assert [facts["original"] for facts in inference["starts"]] == [["float32 cpu"]] * len(
        inference["starts"]
    )


def test_masks_are_bytes_of_the_tiles_sizes(inference: Facts) -> None:
    for facts in inference["forwards"]:
        assert facts["masks"] == ["uint8", *facts["batch"]], of(facts)


def test_nothing_is_in_another_type_but_the_sum_of_the_logits(inference: Facts) -> None:
    for facts in inference["forwards"]:
        assert facts["types"] == sorted({"bool", NUMPY[facts["precision"]], "uint8"}), of(facts)
        assert sum("aten.sum" in op for op in facts["single"]) == 1, of(facts)
        others = [op for op in facts["single"] if not any(kind in op for kind in FINITE)]
        assert others == [], of(facts)


def test_activations_are_channels_last(inference: Facts) -> None:
    for facts in inference["forwards"]:
        gates = [
            op for op in facts["strided"] if "light_lite3" in op and any(kind in op for kind in ATTENTION)
        ]
        assert [op for op in facts["strided"] if op not in gates] == [], of(facts)


def test_no_operation_mixes_devices(inference: Facts) -> None:
    for facts in inference["forwards"] + inference["scenes"]:
        assert facts["mixed"] == [], of(facts)
        assert facts["devices"] == ["cuda:0"], of(facts)


def test_a_forward_pass_copies_masks_and_one_number_and_waits_once(inference: Facts) -> None:
    for facts in inference["forwards"]:
        tiles, height, width = facts["batch"]
        assert facts["to_host"] == [f"uint8 [{tiles}, {height}, {width}] cpu", "uint8 [1] cpu"], of(facts)
        assert facts["reads"] == [], of(facts)
        assert facts["waits"] == 1, of(facts)


def test_pixels_go_to_the_gpu_once_as_bytes(inference: Facts) -> None:
    for facts in inference["forwards"]:
        tiles, height, width = facts["batch"]
        pixels = f"uint8 [{tiles}, {height}, {width}, 3] cuda:0"
        assert facts["to_gpu"] == ([] if facts["source"] == "gpu" else [pixels]), of(facts)


def test_a_forward_pass_is_few_operations(inference: Facts) -> None:
    for facts in inference["forwards"]:
        if facts["batch"][0] == 1:
            assert 100 < facts["works"] <= MAX_OPERATIONS[facts["network"]], (of(facts), facts["works"])


def test_activations_need_little_memory(inference: Facts) -> None:
    for facts in inference["forwards"]:
        tiles, height, width = facts["batch"]
        each = facts["peak"] / (tiles * height * width)
        limit = MAX_BYTES[facts["network"], facts["precision"]]
        assert limit / 2 < each <= limit, (of(facts), each, facts["at_peak"])
        assert facts["left"] == 0, of(facts)  # nothing is kept from one batch to the next


def test_scenes_of_any_size_go_through(inference: Facts) -> None:
    for facts in inference["scenes"]:
        assert facts["masks"] == [facts["size"]] * 2, of(facts)
    assert inference["scenes"][-1]["waits"] == 2  # two tiles of each of two scenes, in batches of two


def test_scenes_pixels_never_come_back_to_the_host(inference: Facts) -> None:
    """Those that DALI decodes on the GPU are padded and cut there; indices of the padding go to it."""
    for facts in inference["scenes"]:
        assert len(facts["to_host"]) == 2 * facts["waits"], of(facts)
        assert facts["reads"] == [], of(facts)
        if facts["source"] == "gpu":
            assert [copy for copy in facts["to_gpu"] if not copy.startswith("int64")] == [], of(facts)
            padded = facts["size"][0] % 16 > 0
            assert len(facts["to_gpu"]) == 4 * padded, of(facts)  # rows and columns of two scenes
