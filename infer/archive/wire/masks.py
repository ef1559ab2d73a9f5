"""How one mask becomes a file, with all that the archive keeps of it; both sides of the pipe write them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from infer.archive.wire.extras import with_extras
from infer.archive.wire.facts import DEGRADED, FAILED, OK, LocalScene, Mapped
from infer.plan.scenes import Broken, Readable, Scene, break_scene, look_at
from infer.process.files import whole_file, write_whole
from infer.process.text import in_short
from infer.settings import HUGE_PIXELS, SceneLimits
from infer.write.audit import Written
from infer.write.form import MaskForm
from infer.write.png_rows import RowSink, write_empty


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
        return failed(local, scene, fault, notes)
    mapped = Mapped(
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
        has_picture=not error and _draws(local, scene, mask),
    )
    return with_extras(mapped, form, local, scene)


def failed(local: LocalScene, scene: Scene, fault: Exception, notes: tuple[str, ...] = ()) -> Mapped:
    """Return what became of a scene whose mask cannot be written."""
    why = fault.strerror if isinstance(fault, OSError) and fault.strerror else in_short(fault)
    return Mapped(local.key, FAILED, f"cannot write {local.mask.name}: {why}", *scene.shape, notes=notes)


def write_rows(
    form: MaskForm,
    path: Path,
    scene: Scene | None,
    stamp: str | None,
    write: Callable[[RowSink], float | None],
) -> Written:
    """Let a mask be written some rows at a time, whole or not at all.

    write: returns the share of ice. Raises OSError where it cannot be written, and what `write` raises.
    """
    notes: list[str] = []
    with (
        whole_file(path) as draft,
        TemporaryDirectory(dir=path.parent) as scratch,
        open(draft, "wb") as file,
        form.rows(file, Path(scratch), scene, stamp, notes.append) as rows,
    ):
        ice_fraction = write(rows)
    return Written(ice_fraction, tuple(notes))


def mapped_of_file(
    form: MaskForm,
    local: LocalScene,
    scene: Scene,
    ice_fraction: float | None,
    notes: tuple[str, ...] = (),
    made_by: str | None = None,
    error: str | None = None,
) -> Mapped:
    """Return what became of a scene whose mask stands, of which no more than a part comes into memory.

    It has no picture: that would take the whole scene.
    """
    digest = hashlib.sha256()
    with open(local.mask, "rb") as file:
        while part := file.read(2**20):
            digest.update(part)
        size = file.tell()
    state = DEGRADED if error else OK
    mapped = Mapped(
        local.key, state, error, *scene.shape,
        ice_fraction=ice_fraction, notes=notes, bytes=size, sha256=digest.hexdigest(),
        bounds=_bounds(form, scene), made_by=made_by,
    )  # fmt: skip
    return with_extras(mapped, form, local, scene)


def put_black(form: MaskForm, local: LocalScene, limits: SceneLimits, error: str) -> Mapped:
    """Write a mask without data for a scene whose pixels none may touch, at the size of its header."""
    return put_empty(form, local, break_scene(look_at(local.path, limits), error), error)


def put_empty(form: MaskForm, local: LocalScene, scene: Scene, error: str) -> Mapped:
    """Write the mask of a lost scene: no data, or black where the form has no such value."""
    shape = scene.shape
    if shape[0] * shape[1] <= HUGE_PIXELS:
        return put_mask(form, local, scene, np.full(shape, form.nodata, np.uint8), error=error)
    try:
        of = None if isinstance(scene, Broken) else scene  # see put_mask
        write_rows(form, local.mask, of, None, lambda rows: write_empty(rows, shape, form.nodata))
    except Exception as fault:  # whatever it is, it must not cost other scenes their masks
        return failed(local, scene, fault)
    return mapped_of_file(form, local, scene, None, error=error)


def _draws(local: LocalScene, scene: Scene, mask: np.ndarray) -> bool:
    """Draw the small picture of a scene and its mask where one is asked for; a map can do without it.

    The scene is read once more: it is small beside the network's work, and nothing has to keep its pixels.
    """
    if local.picture is None or not isinstance(scene, Readable):
        return False
    from infer.archive.map.picture import draw_picture
    from infer.read.scene import read_scene

    try:
        read = read_scene(scene.path, scene.header)
        write_whole(local.picture, draw_picture(read.pixels, mask, read.valid))
    except Exception:  # of any kind: the mask stands
        return False
    return True


def _bounds(form: MaskForm, scene: Scene) -> tuple[float, float, float, float] | None:
    """Return where a scene lies, in degrees of WGS84, where the form of its mask knows such things."""
    if not (form.opens_scenes and isinstance(scene, Readable)):
        return None
    from infer.write.geotiff.georeference import read_georeference
    from infer.write.vectors.bounds import wgs84_bounds

    place, _ = read_georeference(scene.path, scene.header)
    return wgs84_bounds(place, scene.shape)
