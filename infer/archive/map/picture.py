"""The overview picture of a scene: small, with its ice tinted and outlined."""

from __future__ import annotations

import cv2
import numpy as np

QUALITY = 82  # of the JPEG
BRIGHT, DARK = 99.5, 0.5  # percentiles of the valid pixels that are shown as white and as black
MAX_BLACK = 60  # a scene of nothing but ice stays bright
MAX_GAIN = 4.0  # a scene of nothing but dark water stays dark
# RGB. The ice is multiplied with its tint, which leaves the texture of bright ice: white paint would hide it.
TINT = np.array((0.60, 0.88, 1.0), np.float32)
OUTLINE, COVER = np.array((0, 84, 214), np.float32), 0.8  # a line and how opaque it is
BLANK = 58  # grey of the pixels without data


def draw_picture(
    rgb: np.ndarray, mask: np.ndarray, valid: np.ndarray | None = None, side: int = 384
) -> bytes:
    """Return a JPEG whose longer side has at most `side` pixels; ice is tinted and outlined.

    Args:
        rgb: uint8 [H, W, 3]. Its contrast is stretched, for most scenes of ice are either dark or pale.
        mask: uint8 [H, W], ice where it is 255; half of a pixel of the picture must be ice to be drawn so.
        valid: bool [H, W], False where the scene has no data: drawn grey. None where all of it has.
        side: pixels, at least 1. A scene is never enlarged.

    Raises ValueError where the sizes differ or a side is 0.
    """
    if mask.shape != rgb.shape[:2] or (valid is not None and valid.shape != mask.shape) or not mask.size:
        raise ValueError(f"a scene of {rgb.shape}, a mask of {mask.shape}: they do not fit together")
    # Masks have values of their own for pixels without data: only 255 is ice.
    ice = _shrunk((mask == 255).view(np.uint8) * np.uint8(255), side) > 127
    small = _shrunk(np.ascontiguousarray(rgb), side)
    seen = None if valid is None else _shrunk(valid.astype(np.uint8) * 255, side) > 127
    tones = _stretch(small, seen)
    picture = cv2.LUT(small, _table(tones))
    cv2.copyTo(cv2.LUT(small, _table(tones * TINT)), ice.view(np.uint8), picture)
    lined = np.arange(256)[:, None] * (1 - COVER) + OUTLINE * COVER
    cv2.copyTo(cv2.LUT(picture, _table(lined)), _rim(ice).view(np.uint8), picture)
    if seen is not None:
        picture[~seen] = BLANK
    # The outline is thin and saturated: colours at half of the resolution would smear it. Optimal Huffman
    # tables would save 3 % of the bytes and take half as long as all the rest.
    sampling = cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444
    options = (cv2.IMWRITE_JPEG_QUALITY, QUALITY, *sampling)
    encoded = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), options)[1]
    return encoded.tobytes()


def _shrunk(image: np.ndarray, side: int) -> np.ndarray:
    """Shrink uint8 [H, W, ...]: each pixel is the mean of what it covers."""
    height, width = image.shape[:2]
    scale = min(1.0, side / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    shrunk: np.ndarray = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return shrunk


def _stretch(rgb: np.ndarray, seen: np.ndarray | None) -> np.ndarray:
    """Return what each of the 256 values is shown as, float32 [256, 1], 0 to 255.

    One gain for the three bands, so that hues stay.
    """
    pixels = rgb if seen is None or not seen.any() else rgb[seen]
    share = np.bincount(pixels.ravel(), minlength=256).cumsum() * (100 / pixels.size)
    low, high = (int(np.searchsorted(share, percent)) for percent in (DARK, BRIGHT))
    low = min(low, MAX_BLACK)
    gain = np.clip(255 / max(1.0, high - low), 1, MAX_GAIN)
    stretched = np.clip((np.arange(256, dtype=np.float32)[:, None] - low) * np.float32(gain), 0, 255)
    return np.asarray(stretched, np.float32)


def _table(tones: np.ndarray) -> np.ndarray:
    """Return a table for cv2.LUT, uint8 [1, 256, 3], of tones [256, 1 or 3]."""
    return np.asarray(np.rint(np.broadcast_to(tones, (256, 3)))[None], np.uint8)


def _rim(ice: np.ndarray) -> np.ndarray:
    """Return the inner rim of the ice, bool [H, W]; neither the picture's own edge nor specks have one.

    Among small floes lines around each of them would be all that is seen.
    """
    square, disc = np.ones((3, 3), np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    floes = cv2.morphologyEx(ice.astype(np.uint8), cv2.MORPH_OPEN, disc)
    holes = cv2.morphologyEx(floes, cv2.MORPH_CLOSE, square)  # a hole of a pixel would be a blot
    inside = cv2.erode(holes, square, borderValue=1)
    rim: np.ndarray = (floes == 1) & (inside == 0)
    return rim
