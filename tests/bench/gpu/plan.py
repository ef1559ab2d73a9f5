"""The parts of the day, in their order: what makes all others worthless if it fails comes first."""

from __future__ import annotations

from dataclasses import dataclass

from tests.bench.ladder.gpu_rungs import GPU_RUNGS

SECONDS = 540.0  # of a part at most


@dataclass(frozen=True)
class Part:
    """module: whose `measure` yields its figures, given the arguments. needs: packages.

    alike: a rehearsal of it would be that of another part.
    """

    name: str
    module: str
    arguments: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    alike: bool = False
    seconds: float = SECONDS


HOME = "tests.bench.gpu.parts"
SCENARIOS = ("one", "split", "many", "thousand")
ORT = "ours ort-cuda"
SMP = "segmentation_models_pytorch"
TRAINING = (SMP, "timm", "lightning_fabric", "torchmetrics", "scipy", "cv2")
PEERS = {"seed": (SMP, "timm", "nvidia.dali"), "plain": (SMP, "timm"), "onnxruntime": (SMP, "onnxruntime")}

PARTS = (
    Part("tests", f"{HOME}.marked", needs=("pytest",)),
    Part("damage", f"{HOME}.damage", needs=("nvidia.dali",)),
    Part("agreement", f"{HOME}.agreement"),
    *(
        Part(f"scenario-{name}", f"{HOME}.contest", (name, "ours", "ours cuda"), alike=name != "one")
        for name in SCENARIOS
    ),
    Part("agreement-ort-cuda", f"{HOME}.agreement", ("ort-cuda",), ("onnxruntime",), alike=True),
    *(
        Part(f"ort-cuda-{name}", f"{HOME}.contest", (name, "ours cuda", ORT), ("onnxruntime",), name != "one")
        for name in SCENARIOS
    ),
    Part("clock", f"{HOME}.stages"),
    *(
        Part(f"{peer}-{name}", f"{HOME}.contest", (name, "ours cuda", peer), needs, name != "one")
        for peer, needs in PEERS.items()
        for name in SCENARIOS[:3]
    ),
    Part("crossover", f"{HOME}.crossing"),
    *(Part(f"ladder-{i:02}", f"{HOME}.techniques", (rung.name,)) for i, rung in enumerate(GPU_RUNGS, 1)),
    Part("training", f"{HOME}.training", needs=TRAINING),
    Part("tile", f"{HOME}.tile"),
)
