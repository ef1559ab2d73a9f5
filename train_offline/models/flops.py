"""What a network costs: parameters and arithmetic, counted by torch without computing anything.

python -m train_offline.models.flops [--arch NAME] [--encoder NAME] [--side N]
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from train_offline.models.build import NetworkSettings, build
from train_offline.runtime.arguments import COUNT
from train_offline.runtime.program import Parser, run


@dataclass(frozen=True)
class Cost:
    """parameters: those that the logits depend on. flop: of one square image, two for each multiply-add.

    torch counts convolutions and matrix products; additions, activations, pooling and resizing count nothing.
    """

    parameters: int
    flop: int

    def __str__(self) -> str:
        return f"{self.parameters / 1e6:.2f} M parameters, {self.flop / 1e9:.2f} GFLOP"


def cost(settings: NetworkSettings, side: int = 512) -> Cost:
    """Count the cost of the network in evaluation, BatchNorm not yet folded, of an image [1, 3, side, side].

    Raises UsageError as build does.
    """
    network = build(settings)
    parameters = sum(p.numel() for p in network.parameters() if p.requires_grad)
    return Cost(parameters, flop_of(network, side))


def flop_of(network: nn.Module, side: int = 512) -> int:
    """Count the arithmetic of one forward pass in evaluation mode; the network itself stays as it is."""
    shapes = {name: tensor.to("meta") for name, tensor in network.state_dict().items()}
    image = torch.empty(1, 3, side, side, device="meta")
    was_training = network.training
    network.eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        torch.func.functional_call(network, shapes, image)
    network.train(was_training)
    return int(counter.get_total_flops())


def _parser() -> Parser:
    default = NetworkSettings()
    parser = Parser(
        prog="flops", description="Parameters and GFLOP (two for each multiply-add) of a network."
    )
    parser.add_argument("--arch", metavar="NAME", help="(unet and light-residual)")
    parser.add_argument("--encoder", default=default.encoder_name, metavar="NAME", help="(%(default)s)")
    parser.add_argument("--side", type=COUNT, default=512, metavar="N", help="pixels (%(default)s)")
    return parser


def _show(given: argparse.Namespace) -> None:
    for arch in [given.arch] if given.arch else ["unet", "light-residual"]:
        print(f"{arch}: {cost(NetworkSettings(arch=arch, encoder_name=given.encoder), given.side)}")


def main(argv: list[str] | None = None) -> int:
    """Print the cost of one network, or of both fast ones; 2 for a wrong call."""
    parser = _parser()
    return run("flops", lambda: _show(parser.parse_args(argv)), parser)


if __name__ == "__main__":
    sys.exit(main())
