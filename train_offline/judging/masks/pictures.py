"""One scene for the report: a small JPEG, and a layer for each kind of pixel that the page can colour."""

from __future__ import annotations

import base64
import io

import cv2
import numpy as np
from PIL import Image

from train_offline.runtime.images import BRIGHT, MAX_GAIN

LAYERS = ("hit", "false", "missed", "ignored")  # true ice, false ice, missed ice, pixels left out
OUTLINE = "outline"  # a layer that is drawn around the hits
QUALITY = 78
LARGEST, SMALLEST = 2048, 288  # pixels of the longer side
BUDGET = 14e6  # bytes of all pictures of a report
BYTES_PER_PIXEL = 0.42  # of a noisy scene with its layers, in base64
LINE = 1000  # pixels of the longer side for each of which an outline gets one more in width


def side_for(scenes: int) -> int:
    """The longer side of a picture, in pixels, with which a report of so many scenes stays small."""
    fitting = (BUDGET / max(1, scenes) / BYTES_PER_PIXEL) ** 0.5
    return int(min(LARGEST, max(SMALLEST, fitting)))


def picture(image: np.ndarray, layers: dict[str, np.ndarray], side: int) -> dict[str, object]:
    """What the page needs of one scene, as JSON can hold it.

    Args:
        image: uint8 [H, W, 3] RGB. Dark ones are shown brighter, by the factor `gain`.
        layers: bool [H, W] by a name of LAYERS; one without any pixel is left out. Hits get an OUTLINE.
        side: pixels of the longer side at most.
    """
    scale = min(1.0, side / max(image.shape[:2]))
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    gain = float(np.clip(255 / max(1.0, np.percentile(small.max(axis=2), BRIGHT)), 1, MAX_GAIN))
    bright = np.clip(small * np.float32(gain), 0, 255).astype(np.uint8)
    jpeg = cv2.imencode(".jpg", bright[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
    shrunk = {name: _shrunk(layer, size) for name, layer in layers.items() if layer.any()}
    if "hit" in shrunk:
        shrunk[OUTLINE] = _outline(shrunk["hit"])
    return {
        "jpeg": _base64(jpeg.tobytes()),
        "width": size[0],
        "height": size[1],
        "gain": gain,
        "layers": {name: _stencil(layer) for name, layer in shrunk.items()},
    }


def layers_of(mask: np.ndarray, truth: np.ndarray | None, ignore: np.ndarray | None) -> dict[str, np.ndarray]:
    """LAYERS of a predicted mask, uint8 [H, W] as the others; without a truth all its ice counts as a hit."""
    said = mask != 0
    true = said if truth is None else truth != 0
    layers = {"hit": said & true, "false": said & ~true, "missed": true & ~said}
    return layers if ignore is None else layers | {"ignored": ignore != 0}  # last: it lies over the others


def _shrunk(layer: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """bool of `size` (width, height), true where most of what lies under a pixel is."""
    return cv2.resize(layer.astype(np.uint8) * 255, size, interpolation=cv2.INTER_AREA) > 127


def _outline(layer: np.ndarray) -> np.ndarray:
    """Its inner rim, wide enough to be seen when the whole picture is; the picture's own edge is none."""
    width = 1 + max(layer.shape) // LINE
    return layer & (cv2.erode(layer.astype(np.uint8), np.ones((3, 3), np.uint8), iterations=width) == 0)


def _stencil(layer: np.ndarray) -> str:
    """A PNG of one bit, opaque where the layer is, in base64."""
    file = io.BytesIO()
    Image.fromarray(layer).save(file, "PNG", transparency=0, optimize=False)
    return _base64(file.getvalue())


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
