"""The sizes of the fast network, for all that build it; nothing here needs torch."""

from __future__ import annotations

CLASSES = 2
STRIDE = 16  # four stages, each of which halves the resolution
STEM, FIRST = 32, 24  # channels
# Stages of inverted residual blocks: blocks, kernel, stride, channels. A stage's first block has its stride.
STAGES = ((3, 3, 2, 32), (3, 5, 2, 48), (5, 3, 2, 96), (5, 5, 1, 136))
EXPANSION = 6
DECODER = (128, 64, 32, 16)
# Channels of the decoder's skips, from the deepest on; its last stage, at full resolution, has none.
SKIPS = (STAGES[1][-1], STAGES[0][-1], STEM, 0)
DEEPEST = STAGES[-1][-1]
