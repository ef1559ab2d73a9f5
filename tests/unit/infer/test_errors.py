"""The line that a command prints of an error, with its own flags."""

from __future__ import annotations

import pickle
from pathlib import Path

from infer.errors import DecodeError, FileError, NotFiniteError, SceneError, UsageError


def test_a_remedy_names_the_flags_of_the_command_that_prints_it() -> None:
    error = UsageError("no memory left", "; lower {batch} or {epoch_crops}")
    assert str(error) == "no memory left; lower --batch or --epoch-crops"
    assert error.line({"batch": "-b", "epoch_crops": "--crops"}) == "no memory left; lower -b or --crops"
    assert error.line({"batch": "-b"}) == "no memory left"


def test_a_path_stands_behind_the_flag_that_named_it_where_there_is_one() -> None:
    error = FileError(Path("{odd}"), "is a folder", "; name a file", kind="form", setting="output")
    assert str(error) == "--output {odd}: is a folder; name a file"
    assert error.line({}) == "{odd}: is a folder; name a file"
    assert (error.reason, error.kind, error.path) == ("is a folder", "form", Path("{odd}"))


def test_what_a_user_calls_a_folder_is_no_placeholder() -> None:
    error = UsageError("no folder /in{batch}{}{", "; give {input} {odd path} {}")
    assert error.line({"input": "-i"}) == "no folder /in{batch}{}{; give -i {odd path} {}"


def test_an_error_passes_from_one_process_to_another() -> None:
    before = FileError(Path("a.tif"), "cut short", "; get {input} again", kind="unreadable", setting="input")
    after = pickle.loads(pickle.dumps(before))
    assert (str(after), vars(after)) == (str(before), vars(before))
    assert str(pickle.loads(pickle.dumps(NotFiniteError()))) == str(NotFiniteError())


def test_a_lost_scene_is_no_wrong_call() -> None:
    error = DecodeError("cut short", Path("a.tif"))
    assert str(error) == error.reason == "cut short"
    assert isinstance(error, SceneError)
    assert not isinstance(error, UsageError)
