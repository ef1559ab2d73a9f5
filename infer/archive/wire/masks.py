"""How one mask becomes a file, with all that the archive keeps of it; both sides of the pipe write them."""

from __future__ import annotations

import hashlib
from typing import Protocol

import cv2
import numpy as np

from infer.archive.wire.facts import DEGRADED, FAILED, OK, LocalScene, Mapped
from infer.errors import UsageError
from infer.plan.scenes import Scene, break_scene, look_at
from infer.process.files import write_whole
from infer.process.text import in_short
from infer.settings import SceneLimits
from infer.write.mask_writer import PNG_OPTIONS
from infer.write.png_stamp import put_stamp


class MaskForm(Protocol):
    """The form of a mask's file."""

    def encode(self, mask: np.ndarray, scene: Scene, stamp: str | None) -> bytes:
        """Return the file of a mask uint8 [H, W], 0 and 255. stamp: what it was made with, None if black.

        Raises OSError.
        """


class PngMasks:
    """PNG, byte for byte as the plain job writes it."""

    def encode(self, mask: np.ndarray, scene: Scene, stamp: str | None) -> bytes:
        """Return the file; see MaskForm. The scene has no say in it."""
        try:
            _, encoded = cv2.imencode(".png", mask, PNG_OPTIONS)
        except cv2.error as error:
            raise OSError(f"PNG encoding failed: {error.err}") from error
        return put_stamp(encoded, stamp) if stamp else encoded.tobytes()


def form_of(name: str) -> MaskForm:
    """Return the form of this name; raises UsageError where there is none."""
    if name != "png":
        raise UsageError(f"no masks of the form {name}", ": give {format} png")
    return PngMasks()


def put_mask(
    form: MaskForm,
    local: LocalScene,
    scene: Scene,
    mask: np.ndarray,
    *,
    stamp: str | None = None,
    error: str | None = None,
    notes: tuple[str, ...] = (),
    made_by: str | None = None,
) -> Mapped:
    """Write the mask uint8 [H, W] of a scene whole or not at all, and return what became of it.

    error: why it is black, None where it was predicted. Where it cannot be written the scene has failed.
    """
    height, width = mask.shape
    try:
        content = form.encode(mask, scene, stamp)
        write_whole(local.mask, content)
    except Exception as fault:  # whatever it is, it must not cost other scenes their masks
        why = fault.strerror if isinstance(fault, OSError) and fault.strerror else in_short(fault)
        return Mapped(local.key, FAILED, f"cannot write {local.mask.name}: {why}", height, width, notes=notes)
    return Mapped(
        local.key,
        DEGRADED if error else OK,
        error,
        height,
        width,
        ice_fraction=None if error else np.count_nonzero(mask) / mask.size,
        notes=notes,
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        made_by=None if error else made_by,
    )


def put_black(form: MaskForm, local: LocalScene, limits: SceneLimits, error: str) -> Mapped:
    """Write a black mask for a scene whose pixels none may touch; its size is its header's, or 512 x 512."""
    scene = break_scene(look_at(local.path, limits), error)
    return put_mask(form, local, scene, np.zeros(scene.shape, np.uint8), error=error)
