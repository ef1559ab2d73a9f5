"""The wrong calls: what was asked for, what the line says, and a call that its remedy makes of it."""

from __future__ import annotations

from dataclasses import dataclass

# What a call may take for granted, in short. {there}: the folder of conftest.py; {new}: one of this test.
SHORT = {
    "TRAIN": "--data {there}/data --run {new}/run --steps 1 --crop 32 --batch 2 --workers 0 --device cpu "
    "--no-tensorboard --cache {new}/cache --preset modern",
    "OUT": "--output {new}/w.safetensors",
    "JUDGE": "--report-dir {new}/report --data {there}/val",
}


@dataclass(frozen=True)
class WrongCall:
    """command: as run.sh has it. arguments: parted by blanks, '' is an empty one.

    says: what is in the line. instead: the arguments that follow from the remedy, which get past this fault.
    path: of the programs, a folder of `there`. alone: as a process, for what only a process can show.
    """

    command: str
    arguments: str
    says: str
    instead: str = ""
    path: str = ""
    alone: bool = False

    def __str__(self) -> str:
        return f"{self.command} {self.arguments}"


def _of(command: str, *calls: tuple[str, ...]) -> list[WrongCall]:
    return [WrongCall(command, *call) for call in calls]


TRAIN = _of(
    "train",
    ("--run {new}/run", "nothing to train on; give --data DIR", "TRAIN"),
    ("--data {there}/data", "required: --run", "TRAIN"),
    ("TRAIN --run ''", "--run/--run-folder: is empty", "TRAIN"),
    ("TRAIN --data ''", "--data: is empty", "TRAIN"),
    ("TRAIN --data {there}/nowhere", "--data {there}/nowhere: no such folder", "TRAIN"),
    ("TRAIN --data {there}/file", "--data {there}/file: no such folder"),
    ("TRAIN --val {there}/nowhere", "--val {there}/nowhere: no such folder", "TRAIN --val {there}/val"),
    ("TRAIN --data {there}/empty", "/empty/image: no such folder"),
    ("TRAIN --data {there}/no_scenes", "no .tif or .tiff file"),
    ("TRAIN --data {there}/no_masks", "gt/0.png: no such file"),
    ("TRAIN --data {there}/broken_scene", "image/0.tif: cannot be read"),
    ("TRAIN --data {there}/broken_mask", "gt/0.png: cannot be read"),
    ("TRAIN --data {there}/list_is_folder", "list_is_folder/train.csv"),
    ("TRAIN --data {there}/empty_row", "train.csv: line 3"),
    ("TRAIN --data {there}/data:nan", "must be a number above 0, not 'nan'"),
    ("TRAIN --run {there}/run_is_file", "--run {there}/run_is_file: cannot be written to"),
    ("TRAIN --run {there}/run", "add --resume or choose another --run folder", "TRAIN --run {new}/another"),
    ("TRAIN --run {there}/no_checkpoint --resume", "no such checkpoint"),
    (
        "--run {there}/run --resume --arch fpn",
        "was not begun with --arch fpn; leave it out, or begin a new run in another --run folder",
        "TRAIN --arch fpn --encoder resnet18",
    ),
    ("--run {there}/run --resume --encoder resnet18", "not begun with --encoder resnet18; leave it out"),
    ("TRAIN --init {there}/nowhere.pt", "no such checkpoint"),
    ("TRAIN --init {there}/nowhere.safetensors", "No such file"),
    ("TRAIN --init {there}/run", "is a folder", "TRAIN --init {there}/run/last.pt"),
    ("TRAIN --init {there}/cut.pt", "not a readable checkpoint"),
    ("TRAIN --init {there}/text.pt", "not a readable checkpoint"),
    ("TRAIN --init {there}/other.pt", "not a checkpoint of train"),
    ("TRAIN --init {there}/text.safetensors", "not a whole safetensors file"),
    (
        "TRAIN --init {there}/fpn.pt",
        "--init {there}/fpn.pt: holds the weights of fpn with the encoder resnet18; "
        "say --arch fpn --encoder resnet18, or leave --init out",
        "TRAIN --init {there}/fpn.pt --arch fpn --encoder resnet18",
    ),
    (
        "TRAIN --init {there}/whole.safetensors --arch light-residual",
        "say --arch unet --encoder timm-tf_efficientnet_lite3",
        "TRAIN --init {there}/whole.safetensors --arch unet --encoder timm-tf_efficientnet_lite3",
    ),
    ("TRAIN --init {there}/run/last.pt --encoder-weights imagenet", "leave one of them out", "TRAIN"),
    ("TRAIN --arch unett", "no architecture 'unett': --arch is one of", "TRAIN --arch pan"),
    ("TRAIN --encoder resnet19", "similar: resnet18", "TRAIN --encoder resnet18"),
    ("TRAIN --arch dpt", "choose another --encoder or --arch", "TRAIN --arch fpn"),
    ("TRAIN --preset new", "invalid choice: 'new'"),
    ("TRAIN --device tpu", "invalid choice: 'tpu'", "TRAIN --device cpu"),
    ("TRAIN --devices 4000", "--devices is at most", "TRAIN --devices 1"),
    ("TRAIN --fold 0", "leave --fold out", "TRAIN"),
    ("TRAIN --batch 1", "--batch must be at least 2", "TRAIN --batch 2"),
    ("TRAIN --crop 50", "--crop must be a multiple of 16", "TRAIN --crop 48"),
    ("TRAIN --patience 3", "give --val DIR", "TRAIN --patience 3 --val {there}/val"),
)
EXPORT = _of(
    "export",
    ("", "required: CHECKPOINT"),
    ("'' OUT", "is empty"),
    ("{there}/nowhere.pt OUT", "no such checkpoint"),
    ("{there}/no_checkpoint OUT", "holds neither best.pt nor last.pt", "{there}/run OUT --agreement 0.99"),
    ("{there}/cut.pt OUT", "not a readable checkpoint"),
    ("{there}/whole.safetensors OUT", "not a readable checkpoint"),
    ("{there}/run OUT --agreement 2", "at most 1, not '2'", "{there}/run OUT --agreement 0.9"),
    ("{there}/run OUT --agreement nan", "at most 1, not 'nan'"),
    ("{there}/run OUT --verify {there}/nowhere", "no such folder", "{there}/run OUT --verify {there}/val"),
    ("{there}/run OUT --verify {there}/empty", "no .tif or .tiff file"),
    ("{there}/run OUT --verify {there}/broken_scene", "0.tif: cannot be read"),
    ("{there}/moved.pt OUT", "give --verify DIR", "{there}/moved.pt OUT --verify {there}/val"),
    ("{there}/alone.pt OUT", "give --verify DIR", "{there}/alone.pt OUT --verify {there}/no_masks"),
    ("{there}/run --output {there}/empty", "--output {there}/empty: is a folder; name a file"),
    ("{there}/run --output {there}/file/w", "cannot be written"),
    ("{there}/run OUT --card {there}/file", "--card {there}/file: needs one line"),
)
DRY_RUN = _of(
    "dry-run",
    ("JUDGE --data {there}/nowhere", "no such folder", "JUDGE"),
    ("JUDGE --data {there}/empty", "no .tif or .tiff file"),
    ("JUDGE --weights {there}/nowhere", "--weights {there}/nowhere: no such file", "JUDGE"),
    ("JUDGE --weights {there}/cut.safetensors", "not a whole safetensors file", "JUDGE"),
    ("JUDGE --weights {there}/run/last.pt", "not a whole safetensors file"),
    ("JUDGE --report-dir {there}/file", "--report-dir {there}/file: cannot be written to"),
    ("JUDGE --keep {there}/full", "--keep {there}/full: is not empty", "JUDGE --keep {new}/kept"),
    ("JUDGE --memory 1k", "must be a size from 6m on"),
    ("JUDGE --repeat 0", "at least 1, not '0'"),
    ("JUDGE --time-limit inf", "--time-limit"),
    ("JUDGE --hard", "give --docker or --image too, or leave it out", "JUDGE"),
    ("JUDGE --docker --image x", "give one of them"),
    ("JUDGE --docker", "leave --docker and --image out", "JUDGE", "no_docker"),
    ("JUDGE --image x", "leave --docker and --image out", "JUDGE", "no_docker"),
    ("JUDGE --image x", "no image x here", "", "no_images"),
)
PACK = _of(
    "pack",
    ("JUDGE --output {new}/out", "docker is not installed: install it", "", "no_docker"),
    ("JUDGE --output {new}/out --image x", "give another --image", "", "no_images"),
    ("JUDGE --output {there}/file", "--output {there}/file: cannot be written to", "", "no_images"),
    ("JUDGE --image ''", "--image is empty"),
    ("JUDGE --weights x", "unrecognized arguments: --weights x"),
    ("JUDGE --memory -5", "must be a size from 6m on"),
)
OTHERS = [
    *_of(
        "check",
        ("{there}/nowhere", "nowhere/image: no such folder"),
        ("{there}/no_scenes", "no .tif or .tiff file"),
        ("{there}/data --report {there}/file", "--report {there}/file: cannot be written", "{there}/data"),
        ("{there}/data --report ''", "--report: is empty", "{there}/data --report {new}/report"),
    ),
    *_of(
        "split",
        ("{there}/file", "file/image: no such folder"),
        ("{there}/no_masks", "gt/0.png: no such file"),
        ("{there}/data --tile 32", "--tile N and --output DIR go together",
         "{there}/data --tile 32 --output {new}/tiles"),
        ("{there}/data --val-share 1", "above 0 and below 1, not '1'"),
        ("{there}/data --tile 32 --output {there}/full", "--output {there}/full: is already there"),
    ),
    *_of(
        "synthesize",
        ("--count 1", "required: --output"),
        ("--output {there}/full", "--output {there}/full: is already there"),
        ("--output {new}/s --list image", "'image' is not the name of a file"),
        ("--output {new}/s --size 1e9", "from 64 to 2048, not '1e9'"),
        ("--output {new}/s --ice-from {there}/empty", "empty/image: no such folder"),
    ),
]  # fmt: skip
# Where a library would add lines of its own, or other processes, none of which this process can show.
ALONE = [
    WrongCall("train", "TRAIN --init {there}/resnet.pt", "say --arch unet --encoder resnet18",
              "TRAIN --init {there}/resnet.pt --arch unet --encoder resnet18", alone=True),
    WrongCall("export", "{there}/foreign.pt OUT", "not a readable checkpoint", alone=True),
    WrongCall("train", "TRAIN --devices 64", "--devices is at most", alone=True),
    WrongCall("dry-run", "JUDGE --weights {there}/text.safetensors", "not a whole safetensors", alone=True),
    WrongCall("pack", "JUDGE --output {new}/out", "docker is not installed", path="no_docker", alone=True),
]  # fmt: skip
CALLS = [*TRAIN, *EXPORT, *DRY_RUN, *PACK, *OTHERS, *ALONE]
