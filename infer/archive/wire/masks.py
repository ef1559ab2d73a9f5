"""How one mask becomes a file, with all that the archive keeps of it; both sides of the pipe write them."""

from __future__ import annotations

import hashlib

import numpy as np

from infer.archive.wire.facts import DEGRADED, FAILED, OK, LocalScene, Mapped
from infer.plan.scenes import Broken, Readable, Scene, break_scene, look_at
from infer.process.files import write_whole
from infer.process.text import in_short
from infer.settings import SceneLimits
from infer.write.form import MaskForm


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
    more: list[str] = []
    try:
        # The file of a broken scene may be what has killed a process: nothing looks into it again.
        content = form.encode(mask, None if isinstance(scene, Broken) else scene, stamp, more.append)
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
        ice_fraction=None if error else form.ice_fraction(mask),
        notes=(*notes, *more),
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        bounds=_bounds(form, scene),
        made_by=None if error else made_by,
    )


def put_black(form: MaskForm, local: LocalScene, limits: SceneLimits, error: str) -> Mapped:
    """Write a mask without data for a scene whose pixels none may touch, at the size of its header."""
    scene = break_scene(look_at(local.path, limits), error)
    return put_mask(form, local, scene, empty_mask(form, scene), error=error)


def empty_mask(form: MaskForm, scene: Scene) -> np.ndarray:
    """Return the mask uint8 [H, W] of a lost scene: no data, or black where the form has no such value."""
    return np.full(scene.shape, form.nodata, np.uint8)


def _bounds(form: MaskForm, scene: Scene) -> tuple[float, float, float, float] | None:
    """Return where a scene lies, in degrees of WGS84, where the form of its mask knows such things."""
    if not (form.opens_scenes and isinstance(scene, Readable)):
        return None
    from infer.write.geotiff.georeference import read_georeference
    from infer.write.vectors.bounds import wgs84_bounds

    place, _ = read_georeference(scene.path, scene.header)
    return wgs84_bounds(place, scene.shape)
