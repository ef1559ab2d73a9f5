"""Settings that are declared once: a field of a dataclass says its flag, its help and its key on disk.

A program's settings are a frozen dataclass of groups; a group is a frozen dataclass of options, and may have
other fields too. Whatever makes flags or JSON of settings goes through `options_of`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")
S = TypeVar("S", bound="DataclassInstance")
NO_DEFAULT: Any = MISSING
_FORM, _GROUP = "form", "group"  # keys of a field's metadata


@dataclass(frozen=True)
class Form:
    """How an option is given; the arguments of `option`."""

    help: str
    key: str
    flags: tuple[str, ...]
    type: Callable[[str], Any] | None
    choices: Sequence[str] | None
    metavar: str | None
    load: Callable[[Any], Any] | None
    section: str


@dataclass(frozen=True)
class Option:
    """An option in its place: field `name` of the group that is field `group` of the settings.

    section: title in the help. key: its name among all options, in JSON and, with dashes, as a flag.
    """

    group: str
    name: str
    section: str
    key: str
    default: Any
    form: Form

    @property
    def flags(self) -> tuple[str, ...]:
        """All spellings of the flag."""
        negated = "no-" if self.default is True else ""
        return self.form.flags or (f"--{negated}{self.key.replace('_', '-')}",)

    def load(self, value: Any) -> Any:
        """Return a value that came from JSON as the settings hold it."""
        if value is None:
            return None
        one = self.form.load or (Path if self.form.type is Path else lambda plain: plain)
        return tuple(map(one, value)) if isinstance(self.default, tuple) else one(value)


def option(
    default: T,
    help: str = "",
    *,
    key: str = "",
    flags: tuple[str, ...] = (),
    type: Callable[[str], Any] | None = None,
    choices: Sequence[str] | None = None,
    metavar: str | None = None,
    load: Callable[[Any], Any] | None = None,
    section: str = "",
) -> T:
    """Declare a field of a group to be an option.

    Args:
        default: a bool makes a flag without a value, a tuple one that may be repeated, NO_DEFAULT one that
            must be given.
        help: of the flag, without its default.
        key: see Option; the field's name if empty.
        flags: in place of the one that follows from the key.
        type: reads the text of the command line.
        choices: the texts that are allowed.
        metavar: stands for the value in the help.
        load: reads the value, or each one of a tuple, from JSON, where that is not plain and no path.
        section: title in the help; the group's if empty.
    """
    form = Form(help, key, flags, type, choices, metavar, load, section)
    return field(default=default, metadata={_FORM: form})


def group(section: str, kind: type[T]) -> T:
    """Declare a field of the settings to be a group of options under a title; it is made by `kind()`."""
    return field(default_factory=kind, metadata={_GROUP: (section, kind)})


def options_of(settings: type[DataclassInstance]) -> list[Option]:
    """List the options of all groups, in the order in which they are declared."""
    return [
        Option(own.name, part.name, form.section or section, form.key or part.name, part.default, form)
        for own in fields(settings)
        for section, kind in [own.metadata[_GROUP]]
        for part in fields(kind)
        if (form := part.metadata.get(_FORM)) is not None
    ]


def nested(settings: type[S], values: Mapping[str, Any]) -> S:
    """Make the settings from their options by key; what is left out has its default.

    Raises TypeError for a key that is no option, or for the lack of one that has no default.
    """
    options = options_of(settings)
    unknown = values.keys() - {option.key for option in options}
    if unknown:
        raise TypeError(f"no option {', '.join(sorted(unknown))}")
    given: dict[str, dict[str, Any]] = {}
    for one in options:
        if one.key in values:
            given.setdefault(one.group, {})[one.name] = values[one.key]
    kinds = {own.name: own.metadata[_GROUP][1] for own in fields(settings)}
    return settings(**{name: kind(**given.get(name, {})) for name, kind in kinds.items()})


def flat(settings: DataclassInstance) -> dict[str, Any]:
    """Return the values of all options by key."""
    return {one.key: getattr(getattr(settings, one.group), one.name) for one in options_of(type(settings))}
