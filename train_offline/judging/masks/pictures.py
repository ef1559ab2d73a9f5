"""One scene for the report: a small JPEG, and a layer for each kind of pixel that the page can colour."""

from __future__ import annotations

import base64
import io

import cv2
import numpy as np
from PIL import Image

from train_offline.runtime.images import brightened, shrunk

LAYERS = ("hit", "false", "missed", "ignored")  # true ice, false ice, missed ice, pixels left out
OUTLINE = "outline"  # a layer that is drawn around the hits
QUALITY = 78
MAX_SIDE, MIN_SIDE = 2048, 288  # pixels of the longer side
BUDGET = 14e6  # bytes of all pictures of a report
BYTES_PER_PIXEL = 0.42  # of a noisy scene with its layers, in base64
LINE = 1000  # pixels of the longer side for each of which an outline gets one more in width


def side_for(scenes: int) -> int:
    """Return the longer side of a picture, in pixels, with which a report of so many scenes stays small."""
    fitting = (BUDGET / max(1, scenes) / BYTES_PER_PIXEL) ** 0.5
    return int(min(MAX_SIDE, max(MIN_SIDE, fitting)))


def picture(image: np.ndarray, layers: dict[str, np.ndarray], side: int) -> dict[str, object]:
    """Return what the page needs of one scene, as JSON can hold it.

    Args:
        image: uint8 [H, W, 3] RGB. Dark ones are shown brighter, by the factor `gain`.
        layers: bool [H, W] by a name of LAYERS; one without any pixel is left out. Hits get an OUTLINE.
        side: pixels of the longer side at most.
    """
    bright, gain = brightened(shrunk(image, side))
    jpeg = cv2.imencode(".jpg", bright[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
    small = {name: _shrunk(layer, side) for name, layer in layers.items() if layer.any()}
    if "hit" in small:
        small[OUTLINE] = _outline(small["hit"])
    return {
        "jpeg": _base64(jpeg.tobytes()),
        "width": bright.shape[1],
        "height": bright.shape[0],
        "gain": gain,
        "layers": {name: _stencil(layer) for name, layer in small.items()},
    }


def layers_of(mask: np.ndarray, truth: np.ndarray | None, ignore: np.ndarray | None) -> dict[str, np.ndarray]:
    """Return the LAYERS of a mask, uint8 [H, W] as the others; without a truth all its ice is a hit."""
    said = mask != 0
    true = said if truth is None else truth != 0
    layers = {"hit": said & true, "false": said & ~true, "missed": true & ~said}
    return layers if ignore is None else layers | {"ignored": ignore != 0}  # last: it lies over the others


def _shrunk(layer: np.ndarray, side: int) -> np.ndarray:
    """Shrink a layer, bool [H, W], as its image: true where most of what lies under a pixel is."""
    return shrunk(layer.astype(np.uint8) * 255, side) > 127


def _outline(layer: np.ndarray) -> np.ndarray:
    """Return its inner rim, wide enough to be seen in the whole picture, whose own edge is none of it."""
    width = 1 + max(layer.shape) // LINE
    inside = cv2.erode(layer.astype(np.uint8), np.ones((3, 3), np.uint8), iterations=width)
    return np.where(inside, False, layer)


def _stencil(layer: np.ndarray) -> str:
    """Return a PNG of one bit, opaque where the layer is, in base64."""
    file = io.BytesIO()
    Image.fromarray(layer).save(file, "PNG", transparency=0, optimize=False)
    return _base64(file.getvalue())


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
