"""One tracker a file. In: nothing. Out: all of them, found by being here."""

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module

from report.deliver.base import Tracker


@cache
def trackers() -> Mapping[str, type[Tracker]]:
    """The class of each kind; the name of its file is its kind."""
    modules = (import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    classes = [value for module in modules for value in vars(module).values()
               if isinstance(value, type) and issubclass(value, Tracker) and value.__module__ == module.__name__]
    return {cls.kind: cls for cls in sorted(classes, key=lambda cls: cls.kind)}
