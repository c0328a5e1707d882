"""`.github/glossator.yml`: read with YAML's own parser and this module's narrow idea of what a settings file needs.

The file comes from a repository that strangers write to, so whatever a flat mapping does not need is refused before
anything is built: anchors and aliases (a bomb), tags (objects), deep nesting, repeated keys, size. Scalars follow YAML
1.2, where `on` and `off` are words and `010` is no octal.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.errors import UsageError
from reviewer.settings import FILE, check_shared
from reviewer.settings_table import Value

if TYPE_CHECKING:
    import yaml

MAX_CHARACTERS = 65_536
MAX_DEPTH = 2
"""A mapping, and lists in it."""


def load_settings_text(text: str) -> dict[str, object]:
    """The settings that the file gives, by name: checked, not merged, and fit for JSON. An empty file gives none.

    Raises:
        UsageError: Not YAML, not a mapping, an unknown or repeated key, a value that does not fit; says in which line.
    """
    if len(text) > MAX_CHARACTERS:
        raise UsageError(f"{FILE} has {len(text)} characters.", f"It may have at most {MAX_CHARACTERS}.")
    import yaml

    try:
        check_events(text)
        root = yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.YAMLError as error:
        where = render_where(getattr(error, "problem_mark", None))
        raise UsageError(
            f"{where}not YAML: {getattr(error, 'problem', None) or 'characters that YAML does not allow'}.",
            "Check the indentation, the colons and the quotes of that line.",
        ) from error
    if root is None or root.value == "":
        return {}
    if not isinstance(root, yaml.MappingNode):
        raise UsageError(f"{FILE} is no mapping.", "Write one setting a line, for example: max-comments: 5")
    values: dict[str, Value] = {}
    for key, value in root.value:
        where = render_where(key.start_mark)
        name = key.value if isinstance(key, yaml.ScalarNode) else "?"
        if name in values:
            raise UsageError(f"{where}{name} is given twice.", "Keep one of the two lines.")
        values[name] = check_shared(name, parse_node(value), where)
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def check_events(text: str) -> None:
    """Refuse, event by event and so before anything is built, what a settings file has no use for."""
    import yaml

    depth = 0
    for event in yaml.parse(text, Loader=yaml.BaseLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        where = render_where(event.start_mark)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise UsageError(f"{where}anchors and aliases are not supported.", "Write the value out.")
        if getattr(event, "tag", None):
            raise UsageError(f"{where}tags are not supported.", "Remove the word that starts with an exclamation mark.")
        if depth > MAX_DEPTH:
            raise UsageError(f"{where}nested too deeply.", "A setting is one value or one list of values.")


def parse_node(node: yaml.Node) -> object:
    """A YAML node as a plain value. A mapping, which no setting is, becomes an empty one."""
    import yaml

    if isinstance(node, yaml.ScalarNode):
        return node.value if node.style else parse_scalar(node.value)
    return [parse_node(item) for item in node.value] if isinstance(node, yaml.SequenceNode) else {}


def parse_scalar(text: str) -> object:
    """A plain (unquoted) scalar as YAML 1.2 reads it. Numbers of absurd length stay text."""
    if text in ("", "~", "null"):
        return None
    if text in ("true", "false"):
        return text == "true"
    if re.fullmatch(r"[+-]?[0-9]{1,15}", text):
        return int(text)
    if re.fullmatch(r"[+-]?[0-9]{0,15}\.[0-9]{1,15}", text):
        return float(text)
    return text


def render_where(mark: object) -> str:
    """The place that a mark of YAML's parser points to, to lead a message. Not every error of the parser has one."""
    line = getattr(mark, "line", None)
    return f"{FILE}: " if line is None else f"{FILE}, line {line + 1}: "
