"""Functions of the user, named in a setting as `module:function`: a rule, an objective."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from contrast.errors import ConfigError


def imported(name: str, key: str) -> Callable[..., Any]:
    """The function that `key=module:function` names, from a package or from the working folder.

    Raises: ConfigError: it cannot be imported, or is no function.
    """
    module, _, function = name.partition(":")
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        found = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError, SyntaxError) as cause:
        raise ConfigError(
            f"`{key}={name}` cannot be imported: {cause}\n"
            f"Give `module:function`, from an installed package or from {here}."
        ) from None
    finally:
        sys.path.remove(here)
    if not callable(found):
        raise ConfigError(f"`{key}={name}` is of type {type(found).__name__}, expected a function")
    return found
