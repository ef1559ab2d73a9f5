"""The parts of the judge that need no process: cases, names, seconds, history, pictures."""

from __future__ import annotations

import base64
import io
import json
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from infer.errors import UsageError
from tests.helpers.judged import SIZES, make_data, random_mask
from tests.helpers.support import REPO, random_rgb, write_tiff
from train_offline.judging.cases import Case, cases_of, mask_sizes
from train_offline.judging.finding import KINDS
from train_offline.judging.masks.audit import audit_mask, audit_names
from train_offline.judging.masks.pictures import (
    BYTES_PER_PIXEL,
    LARGEST,
    LAYERS,
    OUTLINE,
    SMALLEST,
    layers_of,
    picture,
    side_for,
)
from train_offline.judging.measure.job_report import JobReport, Redone, read_report
from train_offline.judging.measure.sampler import Samples
from train_offline.judging.measure.timeline import Part, added_up, parts_of_job, parts_of_stranger
from train_offline.judging.report import history
from train_offline.judging.report.page.page import worst_first
from train_offline.judging.run.container import seconds_between
from train_offline.judging.run.sandbox import lay_out


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return make_data(tmp_path / "data")


# ---- cases
def test_a_list_chooses_the_scenes_and_may_name_truths_that_are_missing(data: Path) -> None:
    (data / "val.csv").write_text("image,label\nimage/s.2.tif,gt/s.2.png\nimage/s.1.tif,gt/none.png\n")
    first, second = cases_of(data)
    assert (first.name, first.label, first.ignore) == ("s.2", data / "gt" / "s.2.png", None)
    assert (second.name, second.label, second.ignore) == ("s.1", None, data / "ignore" / "s.1.png")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: (d / "val.csv").write_text("image,label\nimage/x.tif,gt/x.png\n"), "x.tif: no such file"),
        (lambda d: (d / "train.csv").write_text("image,label\nimage/s.0.tif,gt/s.0.png\n"), "no val.csv"),
        (lambda d: (d / "image" / "s.0.tiff").write_bytes(b""), "same mask"),
        (lambda d: os.mkfifo(d / "image" / "t.tif"), "t.tif: is no plain file"),
        (lambda d: (d / "image" / "t.tif").symlink_to("nowhere"), "t.tif: is no plain file"),
        (lambda d: (d / "val.csv").write_text("image,label\nimage/s.png,gt/s.0.png\n"), "s.png.*scenes are"),
        (lambda d: [p.unlink() for p in (d / "image").iterdir()], "no .tif"),
    ],
)
def test_a_folder_that_cannot_be_judged_is_named(data: Path, change: Any, words: str) -> None:
    change(data)
    with pytest.raises(UsageError, match=words):
        cases_of(data)


def test_the_size_of_a_mask_comes_from_the_header_or_the_contract(data: Path, tmp_path: Path) -> None:
    case = cases_of(data)[0]
    assert mask_sizes(case) == (SIZES[0],)
    case.image.write_bytes(b"no TIFF")
    assert mask_sizes(case) == ((512, 512), SIZES[0])
    assert mask_sizes(Case(case.image)) == ((512, 512),)
    Image.new("RGB", (30, 20)).save(case.image, format="PNG")
    assert mask_sizes(Case(case.image)) == ((512, 512), (20, 30))
    write_tiff(tmp_path / "f.tif", np.zeros((9, 11), np.float64) + 0.5)  # Pillow does not know it
    assert mask_sizes(Case(tmp_path / "f.tif")) == ((9, 11),)


# ---- audit
def test_stray_files_are_told_apart(tmp_path: Path) -> None:
    for name in ("a.png", "B.PNG", "c_mask.png", ".d.png.part", "readme.md", "scne-5.png"):
        (tmp_path / name).touch()
    findings = {f.file: f for f in audit_names({"a", "b", "c", "d", "scene-5"}, tmp_path)}
    kinds = {file: finding.kind for file, finding in findings.items()}
    assert kinds == {
        "d.png": "missing",
        "B.PNG": "stem",
        "c_mask.png": "stem",
        "scne-5.png": "stem",
        ".d.png.part": "partial",
        "readme.md": "extra",
    }
    assert "name it scene-5.png" in findings["scne-5.png"].fix


def test_a_name_that_only_begins_alike_is_no_misspelling(tmp_path: Path) -> None:
    (tmp_path / "12.png").touch()
    assert [f.kind for f in audit_names({"1"}, tmp_path)] == ["missing", "extra"]


def test_a_folder_that_was_never_made_misses_every_mask(tmp_path: Path) -> None:
    (finding,) = audit_names({"a"}, tmp_path / "none")
    assert (finding.kind, finding.file) == ("missing", "a.png")


def test_a_mask_in_order_gives_its_pixels(tmp_path: Path) -> None:
    mask = random_mask(1, 48, 56)
    Image.fromarray(mask).save(tmp_path / "a.png")
    findings, pixels = audit_mask(tmp_path / "a.png", ((48, 56),), (tmp_path / "a.png").stat().st_uid)
    assert findings == []
    assert np.array_equal(pixels, mask)


def test_a_large_mask_is_no_reason_for_a_warning(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    mask = np.zeros((13_500, 13_500), np.uint8)  # above Pillow's limit of 179 megapixels
    mask[4000:, :10] = 255
    Image.fromarray(mask).save(tmp_path / "big.png")
    assert audit_mask(tmp_path / "big.png", (mask.shape,), None)[0] == []
    assert not recwarn.list


def png(rows: int = 96, bits: int = 8, colour: int = 0, extra: bytes = b"", more: int = 0) -> bytes:
    """A PNG of 96 x 96 by hand, with what can be wrong in one."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", 96, 96, bits, colour, 0, 0, 0)
    line = b"\0" + bytes([255, 0]) * (48 * bits // 8)
    pixels = zlib.compress(line * (rows + more))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


TRANSPARENT = b"\0\0\0\x02tRNS\0\0" + struct.pack(">I", zlib.crc32(b"tRNS\0\0"))
HUGE = struct.pack(">I", 1_000_000_000) + b"teXt"


@pytest.mark.parametrize(
    ("content", "kind", "words"),
    [
        (png(bits=4), "mode", "4 bits of grey"),
        (png(bits=2), "mode", "2 bits of grey"),
        (png(colour=2), "mode", "RGB"),
        (png(extra=TRANSPARENT), "mode", "transparent"),
        (png()[:-12], "partial", "ends in the middle"),
        (png()[:-5], "partial", "ends in the middle"),
        (png()[:20], "partial", "ends in the middle"),
        (png(rows=48), "partial", "before its last row"),
        (png(more=5), "unreadable", "too many rows"),
        (png() + b"x" * 4000, "unreadable", "4000 bytes follow"),
        (png()[:60] + b"?" + png()[61:], "unreadable", "check sum"),
        (png(extra=HUGE), "partial", "ends in the middle"),
        (b"", "partial", "ends in the middle"),
    ],
)
def test_what_one_reader_forgives_is_found(tmp_path: Path, content: bytes, kind: str, words: str) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png())
    assert audit_mask(path, ((96, 96),), None)[0] == []
    path.write_bytes(content)
    ((finding,), pixels) = audit_mask(path, ((96, 96),), None)
    assert (finding.kind, pixels) == (kind, None)
    assert words in finding.what


def test_a_sparse_giant_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png())
    os.truncate(path, 200 * 2**30)
    ((finding,), _) = audit_mask(path, ((96, 96),), None)
    assert (finding.kind, "more than its pixels can need" in finding.what) == ("unreadable", True)


# ---- staging
def test_scenes_are_linked_or_become_real_files(data: Path, tmp_path: Path) -> None:
    cases = cases_of(data)
    cases[1].image.chmod(0o600)
    links, files = lay_out(cases, tmp_path / "links"), lay_out(cases, tmp_path / "files", real_files=True)
    for case in cases:
        link, file = links / case.image.name, files / case.image.name
        assert link.is_symlink()
        assert not file.is_symlink()
        assert link.read_bytes() == file.read_bytes() == case.image.read_bytes()
        assert file.stat().st_mode & 0o004
    assert cases[1].image.stat().st_mode & 0o777 == 0o600


# ---- seconds
SECONDS = {
        "start": 0.2, "setup": 2.0, "imports": 1.5, "weights": 0.25, "device": 0.15,
        "first_mask": 2.75, "predicted": 8.0, "total": 8.5,
}  # fmt: skip


def test_the_parts_follow_one_another_and_add_up() -> None:
    parts = parts_of_job(100.0, 109.25, JobReport(100.5, SECONDS))
    expected = {
        "start": 0.5, "interpreter": 0.2, "plan": 0.1, "imports": 1.5, "weights": 0.25, "device": 0.15,
        "first mask": 0.55, "steady state": 5.25, "drain": 0.5, "exit": 0.25,
    }  # fmt: skip
    assert {part.name: part.seconds for part in parts} == pytest.approx(expected)
    assert sum(part.seconds for part in parts) == pytest.approx(9.25)


def test_parts_that_did_not_happen_are_empty() -> None:
    seconds = {**SECONDS, "first_mask": None, "predicted": None}
    parts = parts_of_job(100.0, 109.25, JobReport(100.5, seconds))
    assert sum(part.seconds for part in parts) == pytest.approx(9.25)
    one_scene = {**SECONDS, "first_mask": 8.25}  # written after the last prediction
    parts = parts_of_job(100.0, 109.25, JobReport(100.5, one_scene))
    assert sum(part.seconds for part in parts) == pytest.approx(9.25)
    assert min(part.seconds for part in parts) >= 0


def test_parts_that_do_not_fit_the_seconds_from_outside_are_not_believed() -> None:
    assert parts_of_job(100.0, 109.25, JobReport(4000.0, SECONDS)) is None
    assert parts_of_job(100.0, 109.25, JobReport(100.5, {**SECONDS, "total": 500.0})) is None
    assert parts_of_job(100.0, 109.25, JobReport(None, SECONDS)) is None
    assert parts_of_job(100.0, 109.25, JobReport(100.5, None)) is None


def test_what_was_tried_again_after_a_crash_has_a_phase_of_its_own() -> None:
    seconds = {**SECONDS, "start": 1.2, "setup": 1.0, "imports": 0.5, "retries": 0.75}
    parts = parts_of_job(100.0, 109.25, JobReport(100.5, seconds))
    assert [part.name for part in parts][:4] == ["start", "interpreter", "retries", "plan"]
    found = {part.name: part.seconds for part in parts}
    assert (found["interpreter"], found["retries"]) == pytest.approx((0.45, 0.75))
    assert sum(found.values()) == pytest.approx(9.25)
    boast = {**seconds, "retries": 500.0}
    assert sum(part.seconds for part in parts_of_job(100.0, 109.25, JobReport(100.5, boast))) < 9.3


def test_a_stranger_has_two_parts_at_most() -> None:
    assert parts_of_stranger(4.0, None) == [Part("job", 4.0)]
    assert parts_of_stranger(4.0, 3.0) == [Part("start", 1.0), Part("job", 3.0)]
    assert parts_of_stranger(4.0, 5.0) == parts_of_stranger(4.0, -0.1) == [Part("job", 4.0)]
    state = {"StartedAt": "2026-11-25T01:02:03.123456789Z", "FinishedAt": "2026-11-25T01:02:05.2Z"}
    assert seconds_between(state, "StartedAt", "FinishedAt") == pytest.approx(2.076544)
    assert seconds_between({}, "StartedAt", "FinishedAt") is None


def test_parts_of_several_processes_are_summed_by_name() -> None:
    runs = [[Part("imports", 1.0), Part("exit", 0.5)], [Part("imports", 2.0), Part("drain", 0.25)]]
    assert added_up(runs) == [Part("imports", 3.0), Part("drain", 0.25), Part("exit", 0.5)]


def test_areas_and_series_of_samples() -> None:
    samples = Samples(at=[0.0, 1.0, 3.0], rss=[0, 10, 20], gpu_busy=[1.0, 1.0, 0.0])
    assert samples.area(samples.gpu_busy) == pytest.approx(2.0)
    assert samples.thinned() == {"at": [0.0, 1.0, 3.0], "rss": [0, 10, 20], "gpu_busy": [1.0, 1.0, 0.0]}
    many = Samples(at=list(range(1000)), rss=list(range(1000)))
    assert len(many.thinned()["at"]) <= 240


@pytest.mark.parametrize("text", ["", "no JSON", "[1, 2]", '{"a": ', "[" * 200_000])
def test_a_job_report_that_cannot_be_used_counts_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "job.json").write_text(text)
    assert read_report(tmp_path / "job.json") == JobReport()
    assert read_report(tmp_path / "none.json") == JobReport()


def test_what_a_job_says_is_taken_with_caution(tmp_path: Path) -> None:
    said = {
        "began": True, "device": "cpu\x1b[31m\nverdict passed", "precision": 16, "version": "v" * 10_000,
        "seconds": {**SECONDS, "setup": float("inf")},
        "scenes": [{"name": "a.tif", "status": {"a": 1}, "error": "x"}, 5, {"name": 7, "status": "ok"}],
        "redone": [{"stage": "predict", "scenes": ["a.tif", 5], "reason": "x\ny"}, 7, {"scenes": 3}] * 300,
    }  # fmt: skip
    path = tmp_path / "job.json"
    path.write_text(json.dumps(said))
    report = read_report(path)
    assert (report.began, report.seconds) == (None, None)
    assert report.texts == {"device": "cpu?[31m?verdict passed", "version": "v" * 200}
    assert report.scenes == {"a.tif": (None, "x"), "7": ("ok", None)}
    assert report.redone[0] == Redone("predict", ("a.tif",), "x?y")
    assert report.redone[1] == Redone("not told", (), "no reason given")
    assert len(report.redone) == 200
    path.write_text(json.dumps({"seconds": SECONDS | {"total": 10**400}, "began": 3}))
    assert (read_report(path).began, read_report(path).seconds) == (3.0, None)
    path.unlink()
    os.mkfifo(path)
    assert read_report(path) == JobReport()
    (tmp_path / "link.json").symlink_to("/etc/hostname")
    assert read_report(tmp_path / "link.json") == JobReport()


def test_the_schema_knows_every_kind_of_finding() -> None:
    schema = json.loads((REPO / "train_offline" / "judging" / "report" / "report.schema.json").read_text())
    assert schema["$defs"]["finding"]["properties"]["kind"]["enum"] == list(KINDS)


# ---- history
def run_of(fwiou: dict[str, float], **changes: Any) -> dict[str, Any]:
    """As much of a report's content as history looks at; a scene for each score, their mean for the whole."""
    scenes = [
        {"name": n, "seconds": None, "mask_sha256": None, "score": {"fwiou": v, "ice_iou": None}}
        for n, v in fwiou.items()
    ]
    return {
        "when": changes.get("when", "2026-01-01"),
        "passed": True,
        "data": {"folder": "/data"},
        "settings": {"per_scene": changes.get("per_scene", False), "cold": False},
        "submission": {"mode": "process", "device": changes.get("device", "cpu"), "image_id": None,
                       "weights_sha256": "ab" * 32},
        "score": {"fwiou": sum(fwiou.values()) / len(fwiou), "ice_iou": 0.5},
        "seconds": {"wall": {"median": changes.get("wall", 10.0)}},
        "scenes": scenes,
    }  # fmt: skip


def test_scenes_are_compared_with_the_latest_run_on_the_same_data(tmp_path: Path) -> None:
    history.append(tmp_path, run_of({"a": 0.1, "b": 0.1}, when="2026-01-01"))
    history.append(tmp_path, run_of({"a": 0.5, "b": 0.5, "gone": 1.0}, when="2026-01-02", wall=20.0))
    now = run_of({"a": 0.75, "b": 0.5, "new": 0.9}, when="2026-01-03")
    found = history.compare(history.earlier_run(tmp_path, "/data"), now)
    assert (found["when"], found["better"], found["worse"], found["same"]) == ("2026-01-02", 1, 0, 1)
    assert (found["new_scenes"], found["gone_scenes"], found["seconds"]) == (1, 1, [20.0, 10.0])
    assert found["scenes"]["a"]["fwiou"] == pytest.approx(0.25)
    assert history.compare(history.earlier_run(tmp_path, "/other"), now) is None
    for other in ({"device": "cuda"}, {"per_scene": True}):
        elsewhere = run_of({"a": 0.75}, **other)
        assert history.compare(history.earlier_run(tmp_path, "/data"), elsewhere)["seconds"] is None


def test_the_worst_scenes_come_first() -> None:
    scenes = [
        {"name": "good", "findings": [], "status": "ok", "score": {"fwiou": 0.9}},
        {"name": "unknown", "findings": [], "status": None, "score": None},
        {"name": "bad", "findings": [], "status": "ok", "score": {"fwiou": 0.1}},
        {"name": "black", "findings": [], "status": "degraded", "score": {"fwiou": 1.0}},
        {"name": "faulty", "findings": [{}], "status": "ok", "score": {"fwiou": 1.0}},
    ]
    assert [s["name"] for s in worst_first(scenes)] == ["faulty", "black", "unknown", "bad", "good"]


# ---- pictures
def test_every_pixel_is_in_the_layer_of_its_kind() -> None:
    mask = np.array([[255, 255, 0, 0, 255]], np.uint8)
    truth = np.array([[255, 0, 255, 0, 255]], np.uint8)
    ignore = np.array([[0, 0, 0, 0, 255]], np.uint8)
    found = {name: layer.tolist()[0] for name, layer in layers_of(mask, truth, ignore).items()}
    assert found == {
        "hit": [True, False, False, False, True],  # left out of the score, and still ice
        "false": [False, True, False, False, False],
        "missed": [False, False, True, False, False],
        "ignored": [False, False, False, False, True],
    }
    assert set(found) == set(LAYERS)


def test_a_picture_keeps_its_proportions_and_shows_what_is_there() -> None:
    layer = np.zeros((400, 1000), bool)
    layer[:200] = True
    made = picture(random_rgb(400, 1000, 1), {"hit": layer, "false": ~layer & layer}, 500)
    assert (made["width"], made["height"], set(made["layers"])) == (500, 200, {"hit", OUTLINE})
    stencil = Image.open(io.BytesIO(base64.b64decode(made["layers"]["hit"]))).convert("RGBA")
    alpha = np.asarray(stencil)[..., 3]
    assert (alpha[:99] == 255).all()
    assert (alpha[101:] == 0).all()
    assert Image.open(io.BytesIO(base64.b64decode(made["jpeg"]))).size == (500, 200)
    rim = np.asarray(Image.open(io.BytesIO(base64.b64decode(made["layers"][OUTLINE]))).convert("RGBA"))[
        ..., 3
    ]
    assert (rim[99] == 255).all(), "where the ice ends"
    assert not rim[:90].any(), "neither inside of it nor along the picture's edge"


def test_pictures_get_smaller_the_more_there_are() -> None:
    assert 20 * side_for(20) ** 2 * BYTES_PER_PIXEL <= 15e6
    sides = [side_for(count) for count in (1, 60, 200, 5000)]
    assert sides == sorted(sides, reverse=True)
    assert (sides[0], sides[-1]) == (LARGEST, SMALLEST)
