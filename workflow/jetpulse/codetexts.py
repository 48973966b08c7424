"""What of a module's source is said to people and decides no result: docstrings, messages of errors, log lines, help.

It is taken out of the syntax tree before that is hashed. Texts of figures, tables and files are results and stay.
"""

import ast
from collections.abc import Iterator

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
# Functions that take lines for the log, as they are called throughout the package.
_LOGS = {"log", "tell"}
# Keyword arguments that explain, by the functions that take them, and positions of explanations.
_EXPLAINING = {
    "Field": ({"description", "title", "examples"}, None),
    "add_argument": ({"help", "metavar"}, None),
    "argument": ({"help", "metavar"}, None),
    "checkpoint_arguments": (set(), 0),
    "path": ({"help", "metavar"}, 1),
    "spec_argument": (set(), 0),
}
# In place of a text: as true as it is.
_TEXT = ast.Constant("text")


def remove_texts(tree: ast.Module) -> None:
    """Take what is only said out of a tree, in place."""
    logs = _LOGS - _borrowed(tree)
    for node in ast.walk(tree):
        for part in ("body", "orelse", "finalbody"):
            statements = getattr(node, part, None)
            if isinstance(statements, list):
                kept = [statement for statement in statements if not _is_text(statement)]
                empty = statements and not kept and node is not tree
                setattr(node, part, [ast.Pass()] if empty else kept)
        if isinstance(node, ast.Call):
            _remove_explanations(node)
        if isinstance(node, ast.Assert):
            node.msg = None
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            _remove_message(node.exc)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in logs:
            node.args, node.keywords = [], []
    for node in _outermost_functions(tree):
        _remove_from_names(node)


def _is_text(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _called(node: ast.Call) -> str:
    """Return the last name of what is called."""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _borrowed(tree: ast.Module) -> set[str]:
    """Return the names that a module imports from elsewhere, as a logarithm may be."""
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    outside = [node for node in imports if not (node.module or "").startswith("jetpulse")]
    return {alias.asname or alias.name for node in outside for alias in node.names}


def _remove_explanations(node: ast.Call) -> None:
    names, position = _EXPLAINING.get(_called(node), (set(), None))
    node.keywords = [keyword for keyword in node.keywords if keyword.arg not in names]
    if position is not None and isinstance(node.func, ast.Name):
        del node.args[position : position + 1]


def _says(error: ast.expr | None) -> bool:
    """Return whether an error is raised that says something and carries nothing else; those with a code carry it."""
    return isinstance(error, ast.Call) and _called(error).endswith("Error") and _called(error) != "StoppedError"


def _remove_message(error: ast.Call) -> None:
    if _says(error):
        error.args, error.keywords = [], []
    elif _called(error) == "StoppedError":
        error.args[:1] = []


def _silent(value: ast.expr) -> ast.expr:
    """Return an expression without the texts that it puts together; what it computes stays."""
    if isinstance(value, ast.JoinedStr) or (isinstance(value, ast.Constant) and isinstance(value.value, str)):
        return _TEXT if not isinstance(value, ast.Constant) or value.value else value
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
        value.left, value.right = _silent(value.left), _silent(value.right)
    elif isinstance(value, ast.IfExp):
        value.body, value.orelse = _silent(value.body), _silent(value.orelse)
    elif isinstance(value, ast.BoolOp):
        value.values = [_silent(item) for item in value.values]
    elif isinstance(value, ast.List | ast.Tuple):
        value.elts = [_silent(item) for item in value.elts]
    elif isinstance(value, ast.ListComp | ast.GeneratorExp):
        value.elt = _silent(value.elt)
    elif isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr == "join":
        value.func.value, value.args = _silent(value.func.value), [_silent(item) for item in value.args]
    return value


def _outermost_functions(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _FUNCTIONS):
            yield child
        elif isinstance(child, ast.stmt | ast.ExceptHandler):
            yield from _outermost_functions(child)


def _remove_from_names(function: ast.AST) -> None:
    """Take the texts out of local variables of which nothing but messages is made.

    The messages themselves are gone, so these are variables that nobody reads, or only other ones of their kind, or a
    condition that asks whether there is something to be said.
    """
    given: dict[str, list[ast.AST]] = {}  # by variable, what gives it a value
    reading: list[tuple[ast.Name, set[str]]] = []  # names that are read, each with the variables that are made of it
    stored: dict[str, int] = {}

    def look(node: ast.AST, makes: set[str], asked: bool = False, in_class: bool = False) -> None:
        in_class = (in_class or isinstance(node, ast.ClassDef)) and not isinstance(node, _FUNCTIONS)
        targets = _targets(node)
        if targets:
            for name in targets:
                given.setdefault(name, []).append(node)
            makes = targets
        if isinstance(node, ast.Global | ast.Nonlocal):  # others may read these
            reading.extend((ast.Name(name), set()) for name in node.names)
        if isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Store):
                stored[node.id] = stored.get(node.id, 0) + 1
                if in_class:
                    reading.append((node, set()))
            elif not asked:
                reading.append((node, makes))
        for field, value in ast.iter_fields(node):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    inner = field == "test" or (asked and isinstance(node, ast.BoolOp | ast.UnaryOp))
                    made = set() if isinstance(child, ast.stmt) else makes
                    look(child, made, inner and _only_asks(child), in_class)

    look(function, set())
    names = {name for name, nodes in given.items() if stored.get(name, 0) == sum(not _adds(node) for node in nodes)}
    while True:
        others = {node.id for node, makes in reading if not (makes and makes <= names)}
        if not names & others:
            break
        names -= others
    doomed = {id(node) for node in _before_mistakes(function)}
    for name in names:
        for node in given[name]:
            if id(node) in doomed and _targets(node) <= names:
                node.value = _TEXT
            elif _adds(node):
                node.value.args = [_silent(item) for item in node.value.args]
            elif _targets(node) <= names:
                node.value = _silent(node.value)


def _before_mistakes(function: ast.AST) -> Iterator[ast.stmt]:
    """Yield the statements after which nothing follows but an error that says something."""
    for node in ast.walk(function):
        for part in ("body", "orelse"):
            statements = getattr(node, part, None)
            last = statements[-1] if isinstance(statements, list) and statements else None
            if isinstance(last, ast.Raise) and _says(last.exc):
                yield from statements[:-1]


def _only_asks(node: ast.AST) -> bool:
    return isinstance(node, ast.Name | ast.BoolOp) or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not))


def _adds(node: ast.AST) -> bool:
    """Return whether a statement adds to a list, as ``lines.append(...)``."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Attribute)
        and node.value.func.attr in ("append", "extend")
        and isinstance(node.value.func.value, ast.Name)
    )


def _targets(node: ast.AST) -> set[str]:
    """Return the local variables that a statement gives a value or adds to, if it does nothing else."""
    if _adds(node):
        return {node.value.func.value.id}
    if isinstance(node, ast.Assign):
        parts = [part for target in node.targets for part in getattr(target, "elts", [target])]
    elif isinstance(node, ast.AugAssign) or (isinstance(node, ast.AnnAssign) and node.value is not None):
        parts = [node.target]
    else:
        return set()
    return {part.id for part in parts} if all(isinstance(part, ast.Name) for part in parts) else set()
