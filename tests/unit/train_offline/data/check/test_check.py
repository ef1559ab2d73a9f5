"""`check`: every planted fault is found and named with its fix, and nothing else is; the contact sheet."""

import base64
import csv
import re
import shutil
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.helpers.support import shared, write_tiff
from train_offline.commands.check import check, main
from train_offline.data.folder import listed_pairs, read_labelled


def texture(seed, height=90, width=120):
    """Unlike every scene of another seed: uint8 [height, width, 3], never black."""
    rng = np.random.default_rng(seed)
    sizes = ((3, 30), (9, 20), (30, 10), (90, 4))
    parts = (rng.normal(0, spread, (n, n, 3)).astype(np.float32) for n, spread in sizes)
    image = sum(cv2.resize(part, (width, height), interpolation=cv2.INTER_CUBIC) for part in parts)
    return np.clip(image + 110, 32, 225).astype(np.uint8)


def write_mask(path, mask):
    assert cv2.imwrite(str(path), mask)


@pytest.fixture
def folder(tmp_path):
    """Six scenes in order: ice on the left third of all but one; on two lists."""
    folder = tmp_path / "data"
    for part in ("image", "gt", "ignore"):
        (folder / part).mkdir(parents=True)
    mask = np.zeros((90, 120), np.uint8)
    mask[:, :40] = 255
    for seed, name in enumerate("abcdef"):
        write_tiff(folder / "image" / f"{name}.tif", texture(seed))
        write_mask(folder / "gt" / f"{name}.png", mask * (name != "c"))
    write_mask(folder / "ignore" / "b.png", 255 - mask)
    write_list(folder, "train.csv", "abcd")
    write_list(folder, "val.csv", "ef")
    return folder


def write_list(folder, list_name, names):
    rows = [f"image/{name}.tif,gt/{name}.png\n" for name in names]
    (folder / list_name).write_text("image,label\n" + "".join(rows))


def found(folder):
    """(file, what, stops) of every finding, each of which must say what to do."""
    report = check(folder)
    assert all(one.fix for one in report.findings)
    assert [one.stops for one in report.findings] == sorted(
        (one.stops for one in report.findings), reverse=True
    )
    return [(one.file, one.what, one.stops) for one in report.findings]


def test_a_folder_in_order_has_no_findings(folder, capsys):
    assert main([str(folder)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 1 + 6 + 1
    assert re.fullmatch(r"a +120x90 +3 +uint8 +33\.3% +train", said[1])
    assert re.fullmatch(r"b +120x90 +3 +uint8 +100% +66\.7% +train", said[2])
    assert re.fullmatch(r"c +120x90 +3 +uint8 +0% +train", said[3])
    assert said[-1].endswith("6 scenes, 5 with ice; 0 findings that stop a training, 0 to look at")
    assert sorted(path.name for path in folder.iterdir()) == ["gt", "ignore", "image", "train.csv", "val.csv"]


def broken_scene(folder):
    (folder / "image" / "a.tif").write_bytes(b"II*\0nonsense")
    return ("image/a.tif", "cannot be read", True)


def cut_short(folder):
    path = folder / "image" / "a.tif"
    path.write_bytes(path.read_bytes()[:-2000])
    return ("image/a.tif", "cannot be read", True)


def sixteen_bits(folder):
    tifffile.imwrite(folder / "image" / "a.tif", texture(0).astype(np.uint16) * 100, photometric="rgb")
    return ("image/a.tif", "must be 8-bit grey, RGB or RGBA, not uint16", True)


def palette(folder):
    colours = np.arange(768, dtype=np.uint16).reshape(3, 256)
    tifffile.imwrite(folder / "image" / "a.tif", texture(0)[..., 0], photometric="palette", colormap=colours)
    return ("image/a.tif", "its colours are PALETTE", True)


def inverted(folder):
    tifffile.imwrite(folder / "image" / "a.tif", texture(0)[..., 0], photometric="miniswhite")
    return ("image/a.tif", "its colours are MINISWHITE", True)


def turned(folder):
    tags = [(274, "H", 1, 6, False)]
    tifffile.imwrite(folder / "image" / "a.tif", texture(0), photometric="rgb", extratags=tags)
    return ("image/a.tif", "is stored turned (orientation 6)", True)


def no_mask(folder):
    (folder / "gt" / "a.png").unlink()
    for name in ("train.csv", "val.csv"):
        (folder / name).unlink()
    return ("gt/a.png", "no such mask", True)


def mask_of_another_size(folder):
    write_mask(folder / "gt" / "a.png", np.full((120, 90), 255, np.uint8))
    return ("gt/a.png", "is 90x120 pixels, but its scene is 120x90", True)


def ignore_of_another_size(folder):
    write_mask(folder / "ignore" / "a.png", np.full((9, 9), 255, np.uint8))
    return ("ignore/a.png", "is 9x9 pixels", True)


def mask_broken(folder):
    (folder / "gt" / "a.png").write_bytes(b"nonsense")
    return ("gt/a.png", "cannot be read as an image", True)


def mask_of_sixteen_bits(folder):
    write_mask(folder / "gt" / "a.png", np.eye(90, 120, dtype=np.uint16))
    return ("gt/a.png", "holds uint16 pixels", True)


def other_values(folder):
    mask = np.zeros((90, 120), np.uint8)
    mask[0, :5], mask[1, :7], mask[2, :9] = 1, 128, 255
    write_mask(folder / "gt" / "a.png", mask)
    return ("gt/a.png", "holds 1, 128 beside 0 and 255, on 12 pixels; they count as ice", False)


def other_values_in_ignore(folder):
    write_mask(folder / "ignore" / "a.png", np.eye(90, 120, dtype=np.uint8))
    return ("ignore/a.png", "holds 1 beside 0 and 255, on 90 pixels; they count as ignored", False)


def all_ignored(folder):
    write_mask(folder / "ignore" / "a.png", np.full((90, 120), 255, np.uint8))
    return ("ignore/a.png", "leaves out every pixel", False)


def one_value(folder):
    write_tiff(folder / "image" / "a.tif", np.full((90, 120, 3), (7, 8, 9), np.uint8))
    return ("image/a.tif", "has the value (7, 8, 9) on every pixel", False)


def half_black(folder):
    image = texture(0)
    image[:45] = 0
    write_tiff(folder / "image" / "a.tif", image)
    return (
        "image/a.tif",
        "is black (no data) on 50% of its pixels, and its mask calls 1800 of them ice",
        False,
    )


def striped_rows(folder):
    image = texture(0)
    image[5::20] -= 30
    write_tiff(folder / "image" / "a.tif", image)
    return ("image/a.tif", "is striped: 5 odd rows (5, 25, 45 ..., 20 apart)", False)


def dead_column(folder):
    image = texture(0)
    image[:, 77] = 0
    write_tiff(folder / "image" / "a.tif", image)
    return ("image/a.tif", "is striped: 1 odd column (77)", False)


def mask_without_scene(folder):
    shutil.copy(folder / "gt" / "a.png", folder / "gt" / "g.png")
    return ("gt/g.png", "no scene image/g.tif", False)


def ignore_without_scene(folder):
    shutil.copy(folder / "ignore" / "b.png", folder / "ignore" / "g.png")
    return ("ignore/g.png", "no scene image/g.tif", False)


def scene_that_is_no_tiff(folder):
    write_mask(folder / "image" / "photo.jpg", texture(9))
    return ("image/photo.jpg", "is not read", False)


def mask_that_is_no_png(folder):
    shutil.copy(folder / "gt" / "a.png", folder / "gt" / "a.PNG")
    return ("gt/a.PNG", "is not read", False)


def seen_twice(folder):
    write_tiff(folder / "image" / "e.tif", (texture(0) * 0.8 + 20).astype(np.uint8))
    return ("image/a.tif", "looks like image/e.tif, and train.csv and val.csv part them", False)


def on_both_lists(folder):
    write_list(folder, "val.csv", "def")
    return ("val.csv", "shares image/d.tif with train.csv", True)


def listed_but_absent(folder):
    write_list(folder, "val.csv", "efz")
    return ("val.csv", "lists gt/z.png, which does not exist", True)


def listed_twice(folder):
    write_list(folder, "train.csv", "abcda")
    return ("train.csv", "lists image/a.tif 2 times", False)


def list_with_another_header(folder):
    (folder / "train.csv").write_text("file,mask\nimage/a.tif,gt/a.png\n")
    return ("train.csv", "the first line must be `image,label`", True)


def one_list_only(folder):
    (folder / "train.csv").unlink()
    return ("val.csv", "is there, but train.csv is not", False)


def unlisted(folder):
    write_list(folder, "train.csv", "ab")
    return ("train.csv", "2 of 6 scenes are on neither list, c.tif for one", False)


def no_ice(folder):
    for path in (folder / "gt").iterdir():
        write_mask(path, np.zeros((90, 120), np.uint8))
    return ("gt", "no mask holds ice that counts", True)


def only_ice(folder):
    for path in (folder / "gt").iterdir():
        write_mask(path, np.full((90, 120), 255, np.uint8))
    return ("gt", "every pixel that counts is ice", True)


def one_scene_only(folder):
    for name in "bcdef":
        (folder / "image" / f"{name}.tif").unlink()
        (folder / "gt" / f"{name}.png").unlink()
    (folder / "ignore" / "b.png").unlink()
    for name in ("train.csv", "val.csv"):
        (folder / name).unlink()
    return ("image", "holds one scene only (a)", True)


ALONE = [
    broken_scene, cut_short, sixteen_bits, palette, inverted, turned, no_mask, mask_of_another_size,
    ignore_of_another_size, mask_broken, mask_of_sixteen_bits, other_values, other_values_in_ignore,
    all_ignored, one_value, half_black, striped_rows, dead_column, mask_without_scene, ignore_without_scene,
    scene_that_is_no_tiff, mask_that_is_no_png, seen_twice, on_both_lists, listed_twice, one_list_only,
    unlisted, no_ice, only_ice, one_scene_only,
]  # fmt: skip


@pytest.mark.parametrize("spoil", ALONE)
def test_a_fault_is_the_only_finding(folder, spoil, capsys):
    file, what, stops = spoil(folder)
    findings = found(folder)
    assert len(findings) == 1, findings
    assert findings[0][0] == file
    assert findings[0][1].startswith(what)
    assert findings[0][2] == stops
    assert main([str(folder)]) == (1 if stops else 0)
    assert f"{'STOPS' if stops else 'look'}: {file}: {what}" in capsys.readouterr().out


@pytest.mark.parametrize("spoil", [listed_but_absent, list_with_another_header])
def test_a_fault_of_a_list_is_among_the_findings(folder, spoil):
    file, what, stops = spoil(folder)
    assert any(one[0] == file and one[1].startswith(what) and one[2] == stops for one in found(folder))


@pytest.mark.parametrize("mode", ["1", "P", "RGB"])
def test_masks_in_other_forms_of_png_are_fine(folder, mode):
    mask = Image.open(folder / "gt" / "a.png")
    mask.convert(mode).save(folder / "gt" / "a.png")
    assert found(folder) == []
    assert check(folder).rows[0].ice == pytest.approx(1 / 3)


def test_two_scenes_of_one_name(folder):
    shutil.copy(folder / "image" / "b.tif", folder / "image" / "a.tiff")
    findings = found(folder)
    assert ("image/a", "2 files have this name and share one mask", True) in findings


def test_tiles_of_a_scene_on_both_lists_and_alike_on_one(folder):
    for path in [*(folder / "image").iterdir(), *(folder / "gt").iterdir()]:
        path.rename(path.with_stem(f"s_{path.stem}".replace("s_a", "s_1").replace("s_e", "s_2")))
    write_tiff(folder / "image" / "s_2.tif", texture(0))  # like s_1, but a tile of the same scene
    (folder / "ignore" / "b.png").unlink()
    write_list(folder, "train.csv", ["s_1", "s_b", "s_c", "s_d"])
    write_list(folder, "val.csv", ["s_2", "s_f"])
    assert found(folder) == [
        ("val.csv", "holds tiles of scenes in train.csv, by their names: image/s_2.tif", False)
    ]


def test_alike_scenes_on_one_list_are_as_they_should_be(folder):
    write_tiff(folder / "image" / "b.tif", texture(0))
    assert found(folder) == []
    for name in ("train.csv", "val.csv"):
        (folder / name).unlink()
    assert found(folder) == [("image/a.tif", "looks like image/b.tif", False)]


@pytest.mark.parametrize("spoil", [half_black, striped_rows])
def test_what_is_ignored_is_not_complained_of(folder, spoil):
    spoil(folder)
    black = np.zeros((90, 120), np.uint8)
    black[:45], black[5::20] = 255, 255
    write_mask(folder / "ignore" / "a.png", black)
    assert found(folder) == []


def test_training_and_check_agree_on_what_stops(folder):
    """What `check` lets pass can be read by the training."""
    for spoil in (other_values, all_ignored, one_value, dead_column, mask_without_scene, listed_twice):
        spoil(folder)
    assert not any(stops for _, _, stops in found(folder))
    assert len([read_labelled(pair) for pair in listed_pairs(folder, "train.csv")]) == 5


@pytest.mark.parametrize("part", ["amazon_forest/train", "floes_modis"])
def test_real_folders_in_order(part):
    findings = found(shared(f"data/{part}"))
    assert not any(stops for _, _, stops in findings)
    assert all(what.startswith("looks like") for _, what, _ in findings)
    assert len(findings) == (7 if "floes" in part else 0)


class Page(HTMLParser):
    """Collects what a browser would load, and the pictures and paths that are inside."""

    def __init__(self, text):
        super().__init__()
        self.sources, self.paths, self.open = [], {}, []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.sources += [attributes[key] for key in ("src", "href") if key in attributes]
        if tag == "path":
            self.paths.setdefault(attributes["class"], []).append(attributes["d"])


def test_contact_sheet_shows_every_scene_with_its_outline(folder, tmp_path):
    (folder / "image" / "<i>&.txt").write_text("x")
    broken_scene(folder)
    report = tmp_path / "new" / "report"
    assert main([str(folder), "--report", str(report)]) == 1
    text = (report / "check.html").read_text(encoding="utf-8")
    page = Page(text)
    assert len(page.sources) == 5, "five pictures, and nothing from elsewhere"
    for name, source in zip("bcdef", page.sources, strict=True):
        head, _, picture = source.partition(",")
        assert head == "data:image/jpeg;base64"
        pixels = cv2.imdecode(np.frombuffer(base64.b64decode(picture), np.uint8), cv2.IMREAD_COLOR_RGB)
        original = tifffile.imread(folder / "image" / f"{name}.tif")
        assert pixels.shape == original.shape
        assert np.corrcoef(pixels.ravel(), original.ravel())[0, 1] > 0.97
    assert [bool(path) for path in page.paths["ice"]] == [True, False, True, True, True]
    numbers = np.array(re.findall(r"(\d+) (\d+)", page.paths["ice"][0]), int)
    assert (numbers.min(axis=0).tolist(), numbers.max(axis=0).tolist()) == ([0, 0], [39, 89])
    assert [bool(path) for path in page.paths["ignored"]] == [True, False, False, False, False]
    assert "&lt;i&gt;&amp;.txt" in text
    assert "<i>&" not in text
    assert not re.search(r"https?://", text)
    assert "prefers-color-scheme: dark" in text


def test_table_for_other_programs(folder, tmp_path):
    other_values(folder)
    mask_without_scene(folder)
    assert main([str(folder), "--report", str(tmp_path)]) == 0
    with (tmp_path / "check.csv").open(newline="") as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    assert [*rows] == [*(f"image/{name}.tif" for name in "abcdef"), "gt/g.png"]
    b = rows["image/b.tif"]
    assert [b[key] for key in ("height", "width", "bands", "type", "lists")] == [
        "90",
        "120",
        "3",
        "uint8",
        "train",
    ]
    assert float(b["ice"]) == 1
    assert float(b["ignored"]) == pytest.approx(2 / 3, abs=1e-5)
    assert rows["image/a.tif"]["findings"].startswith("gt/a.png: holds 1, 128")
    assert rows["gt/g.png"]["findings"] == "gt/g.png: no scene image/g.tif"


def test_contact_sheet_of_200_scenes_is_below_30_mb(folder, tmp_path):
    """The worst case: noise, which JPEG cannot pack, and a mask of specks."""
    rng = np.random.default_rng(0)
    for name in "abcdef":
        write_tiff(folder / "image" / f"{name}.tif", rng.integers(1, 256, (600, 600, 3), dtype=np.uint8))
        specks = cv2.resize(rng.random((150, 150)), (600, 600)) > 0.5
        write_mask(folder / "gt" / f"{name}.png", np.where(specks, 255, 0).astype(np.uint8))
    (folder / "ignore" / "b.png").unlink()
    main([str(folder), "--report", str(tmp_path)])
    assert (tmp_path / "check.html").stat().st_size / 6 * 200 < 30e6


def test_report_that_cannot_be_written_is_one_line(folder, tmp_path, capsys):
    (tmp_path / "file").write_text("mine")
    assert main([str(folder), "--report", str(tmp_path / "file")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "file: cannot be written" in error


@pytest.mark.parametrize("arguments", [[], ["--no"], ["absent"]])
def test_wrong_call_is_one_line_and_exit_2(tmp_path, arguments, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_folder_without_scenes_is_exit_2(folder, capsys):
    for path in (folder / "image").iterdir():
        path.unlink()
    assert main([str(folder)]) == 2
    assert "no .tif or .tiff file" in capsys.readouterr().err
