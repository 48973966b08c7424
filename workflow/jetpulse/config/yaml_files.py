"""Reading of YAML files, restricted to what every version of YAML understands alike.

PyYAML, and Snakemake with it, follows YAML 1.1, where ``010`` is 8, ``1:30`` is 90 and ``no`` is false; editors,
schemas and other programs follow the core schema of YAML 1.2 (yaml.org/spec/1.2.2, section 10.3), where they are 10 and
two texts. A spelling that the two read differently is refused, so it does not matter who reads the file. Numbers like
``1e-3``, text in YAML 1.1, are accepted: the config's numbers may be given as text.
"""

import json
import re
from pathlib import Path
from typing import Any, NoReturn, TextIO

import yaml

from jetpulse.errors import UserError, cannot_open

_TAG = "tag:yaml.org,2002:"
# Levels of mappings and lists; a configuration has about ten.
_MAX_DEPTH = 50
# Values in a file, repetitions by aliases counted as often as they occur.
_MAX_VALUES = 200_000
# Numbers of the core schema of YAML 1.2.
_WHOLE = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


def read_yaml(path: str | Path) -> Any:
    """Read a YAML (or JSON) file into plain mappings with text keys, lists, texts and numbers.

    Raises:
        UserError: missing, not readable, not YAML, a key given twice or not a text, a value that versions of YAML read
            differently, a tag, a value that contains itself, or too many or too deeply nested values.
    """
    path = Path(path)
    try:
        with path.open(encoding="utf-8") as handle:
            return parse_yaml(handle, str(path))
    except OSError as error:
        raise cannot_open(path, error, "a YAML file") from error


def parse_yaml(text: str | TextIO, where: str) -> Any:
    """Return the value of YAML, in the same way.

    Raises:
        UserError: what is wrong with it, behind ``where``.
    """
    try:
        return yaml.load(text, _Loader)
    except _FormatError as error:
        raise UserError(f"{where}: {error}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{where}: not valid YAML: {' '.join(str(error).split())}") from error


class _FormatError(Exception):
    """Valid YAML that is not accepted; one line without the file's name."""


class _Loader(yaml.SafeLoader):
    """SafeLoader that checks every value, while it is composed, before anything is constructed."""

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self._path: list[str] = []  # keys that lead to the value being composed
        self._open: set[str] = set()  # anchors of the collections that contain it
        self._sizes: dict[int, int] = {}  # number of values in each node

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node:
        """Compose a value, or the key of a mapping if ``index`` is None inside one.

        Raises:
            _FormatError: not accepted.
        """
        event = self.peek_event()
        anchor, repeats = event.anchor, isinstance(event, yaml.AliasEvent)
        steps = [] if index is None else [str(index.value if isinstance(index, yaml.Node) else index)]
        self._path += steps
        if repeats and anchor in self._open:
            self._refuse(event, f"*{anchor} is inside of what it repeats; write the value")
        if not repeats and event.tag not in (None, "!", f"{_TAG}str"):
            self._refuse(event, f"tags such as {event.tag.replace(_TAG, '!!')} are not read; remove it")
        if len(self._path) > _MAX_DEPTH:
            self._refuse(event, f"nested more than {_MAX_DEPTH} levels deep")
        if anchor and not repeats:
            self._open.add(anchor)
        node = super().compose_node(parent, index)
        if anchor and not repeats:
            self._open.discard(anchor)
        if isinstance(event, yaml.ScalarEvent) and event.tag in (None, "!"):
            self._check_scalar(event, node)
        elif isinstance(event, yaml.MappingStartEvent):
            self._check_keys(node)
        self._count(event, node)
        del self._path[len(self._path) - len(steps) :]
        return node

    def _refuse(self, place: yaml.Event | yaml.Node, why: str) -> NoReturn:
        key = ".".join(self._path[:_MAX_DEPTH])[:200]
        raise _FormatError(f"line {place.start_mark.line + 1}: {f'{key}: ' if key else ''}{why}")

    def _check_scalar(self, event: yaml.Event, node: yaml.ScalarNode) -> None:
        """Refuse an unquoted value that YAML 1.1 and 1.2 read differently."""
        if node.style is not None:
            return
        text, kind = node.value, node.tag.removeprefix(_TAG)
        try:
            old, new = self._as_old(node, kind), _as_new(text, kind)
        except ValueError:  # Python converts no more than 4,300 digits
            self._refuse(event, f"a number of {len(text)} characters is too long")
        if repr(old) == repr(new):  # of numbers that are none, too
            return
        shown = [_shown(old), _shown(new)]
        right = " or ".join(word for word in shown if word != _shown(None))
        shown = ["a date" if kind == "timestamp" else shown[0], shown[1]]
        self._refuse(event, f"{text} is {shown[0]} in YAML 1.1 and {shown[1]} in YAML 1.2; write {right}")

    def _as_old(self, node: yaml.ScalarNode, kind: str) -> Any:
        """Return what an unquoted value is in YAML 1.1; of dates and defaults, which are never accepted, None."""
        read = {"bool": self.construct_yaml_bool, "int": self.construct_yaml_int, "float": self.construct_yaml_float}
        if kind in read:
            return read[kind](node)
        return None if kind in ("timestamp", "value", "null") else node.value

    def _check_keys(self, mapping: yaml.MappingNode) -> None:
        """Refuse keys that are no texts or occur twice; plain YAML silently takes the last one."""
        seen: set[str] = set()
        for key, _ in mapping.value:
            if not isinstance(key, yaml.ScalarNode):
                self._refuse(key, "a key must be a text, found a list or mapping")
            if key.tag not in (f"{_TAG}str", f"{_TAG}merge"):
                self._refuse(key, f'the key {key.value} must be a text; write "{key.value}"')
            if key.value in seen:
                self._refuse(key, f"key {key.value!r} is given twice; remove or rename one")
            seen.add(key.value)

    def _count(self, event: yaml.Event, node: yaml.Node) -> None:
        """Refuse more values than any configuration has, however often aliases repeat them."""
        inner = [] if isinstance(node, yaml.ScalarNode) else node.value
        if id(node) not in self._sizes:
            children = [child for item in inner for child in (item if isinstance(item, tuple) else (item,))]
            self._sizes[id(node)] = 1 + sum(self._sizes[id(child)] for child in children)
        if self._sizes[id(node)] > _MAX_VALUES:
            self._refuse(event, f"more than {_MAX_VALUES} values, counted as often as aliases repeat them")


def _as_new(text: str, kind: str) -> Any:
    """Return what an unquoted value is in YAML 1.2; a number that is text in YAML 1.1, such as 1e-3, stays text.

    Raises:
        ValueError: too long a number.
    """
    if kind == "null":
        return None
    if text.lower() in ("true", "false") and kind == "bool":
        return text.lower() == "true"
    for pattern, base in ((_WHOLE, 10), (_OCTAL, 8), (_HEXADECIMAL, 16)):
        if pattern.fullmatch(text):
            return int(text, base)
    if _FLOAT.fullmatch(text) and kind == "float":
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return text


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
