"""YAML whose scalars all stay texts, to be read by the type of the field they are for.

OmegaConf's own loader would make `id: 007` the number 7 before anybody knows the field.
"""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from contrast.errors import ConfigError


def read_yaml(path: Path) -> Any:
    """The tree of a YAML file: mappings and lists of texts.

    Raises: ConfigError: the file cannot be read, is no YAML, or has a key twice.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=TextLoader)
    except OSError as cause:
        reason = (cause.strerror or str(cause)).lower()
        raise ConfigError(f"cannot read the file {path}: {reason}") from None
    except (UnicodeDecodeError, yaml.YAMLError) as cause:
        raise ConfigError(f"{path} is not YAML{_where(cause)}") from None


class TextLoader(yaml.SafeLoader):
    """PyYAML's safe loader without guessing of types, which refuses a key that comes twice."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  (PyYAML's own declaration)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """The mapping of a node, as PyYAML builds it, if no key comes twice."""
        seen: set[Any] = set()
        for key, _ in node.value:
            name = str(key.value)
            if name in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key `{name}` comes twice", key.start_mark
                )
            seen.add(name)
        return super().construct_mapping(node, deep)


def _where(cause: Exception) -> str:
    mark = getattr(cause, "problem_mark", None)
    problem = getattr(cause, "problem", None) or "it holds bytes that are no text"
    return f", line {mark.line + 1}: {problem}" if mark else f": {problem}"
