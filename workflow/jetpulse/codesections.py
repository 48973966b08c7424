"""What of the config's models counts as code: what they can do, not what they allow.

Values reach every command as parameters, with defaults filled in, as the models write them. So types, limits, defaults,
validators and serialisers are no part of the code that uses them; methods and properties are, and defaults where a
command makes a section itself.
"""

import ast

PACKAGE = "config"
# Behind a name: the type alone is meant, or a section is made.
AS_TYPE, MADE = ":", "()"
_CHECKS = {"field_validator", "model_validator", "model_serializer"}
# Of other classes everything counts.
_NOT_MODELS = {"Enum", "Exception", "NamedTuple", "Protocol", "StrEnum", "TypedDict"}
_TYPES = {"Annotated", "Literal", "Union", "Optional", "dict", "list", "tuple"}


def is_config(module: str) -> bool:
    """Return whether a module belongs to the config."""
    return module.split(".")[0] == PACKAGE


def is_model(node: ast.stmt) -> bool:
    """Return whether a statement defines a model: a class made of others, of which pydantic makes the rest."""
    if not isinstance(node, ast.ClassDef) or node.decorator_list or not node.bases:
        return False
    names = [getattr(base.value if isinstance(base, ast.Subscript) else base, "id", "") for base in node.bases]
    return all(names) and not _NOT_MODELS & set(names)


def is_type(node: ast.stmt) -> bool:
    """Return whether a statement names a type."""
    value = getattr(node, "value", None)
    if not isinstance(node, ast.Assign | ast.AnnAssign) or value is None:
        return False
    subscript = isinstance(value, ast.Subscript) and getattr(value.value, "id", "") in _TYPES
    union = isinstance(value, ast.BinOp) and isinstance(value.op, ast.BitOr)
    return subscript or union or (isinstance(value, ast.Call) and getattr(value.func, "id", "") == "real")


def abilities(model: ast.ClassDef) -> list[ast.stmt]:
    """Return what a model can do: its methods, properties and constants of the class."""
    return [node for node in model.body if _is_ability(node)]


def field_types(model: ast.ClassDef) -> list[ast.expr]:
    """Return what a model is made of: its bases and the types of its fields."""
    return [*model.bases, *(node.annotation for node in model.body if _is_field(node))]


def defaults(model: ast.ClassDef) -> list[ast.expr]:
    """Return names and defaults of a model's fields; a key that may be missing does not count."""
    found = []
    for node in model.body:
        value = node.value if _is_field(node) else None
        if isinstance(value, ast.Call) and getattr(value.func, "id", "") == "Field":
            named = {keyword.arg: keyword.value for keyword in value.keywords}
            value = value.args[0] if value.args else named.get("default", named.get("default_factory"))
        if value is not None and not (isinstance(value, ast.Constant) and value.value is None):
            found.append(ast.Tuple([ast.Constant(node.target.id), value], ast.Load()))
    return found


def _is_field(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and "ClassVar" not in ast.dump(node.annotation)
    )


def _is_ability(node: ast.stmt) -> bool:
    if isinstance(node, ast.FunctionDef):
        return not any(_name(decorator) in _CHECKS for decorator in node.decorator_list)
    if isinstance(node, ast.Assign):
        names = {getattr(target, "id", "") for target in node.targets}
        made = node.value
        while isinstance(made, ast.Call):  # _windows = field_validator("pt")(_increasing)
            if _name(made) in _CHECKS:
                return False
            made = made.func
        return names != {"model_config"}
    return not _is_field(node) and not isinstance(node, ast.Pass)


def _name(node: ast.expr) -> str:
    node = node.func if isinstance(node, ast.Call) else node
    return getattr(node, "id", "")
