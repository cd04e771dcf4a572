"""What may stand in the program of a model archive (``models/model.json``), checked before torch reads it.

torch evaluates parts of this file as Python: symbolic sizes go through ``sympy.sympify``, guards and the
names of values through ``exec``, operators are looked up by attribute from the ``torch`` module. So every
string must match what an exported program really needs: a name, a known operator, an expression over
sizes. Free text is left alone where torch only keeps it: arguments of type string, and node metadata.

Called by ``store.archive``. Needs no torch.
"""

import ast
import json
import re
from collections.abc import Callable
from typing import Any

from mlplane.errors import Terminal

_NAME = re.compile(r"[A-Za-z0-9_.@+]{0,512}")
"""Names of values, weights and modules: no space, bracket, quote or ``=``, so never a call or a statement."""
_SYMBOL = re.compile(r"[a-z]{1,4}[0-9]+|oo|int_oo")
_STRING_IN_CODE = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_OPERATOR = re.compile(
    r"torch\.ops\.(aten|prims)\.(?!from_file\b|save\b)[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)?"
    r"|torch\.ops\.higher_order\.(cond|while_loop|scan|associative_scan|map_impl|flex_attention"
    r"|wrap_with_set_grad_enabled|wrap_with_autocast)"
    r"|torch\._?sym_[a-z_]+"
    r"|_operator\.(add|sub|mul|floordiv|truediv|mod|pow|neg|pos|abs|eq|ne|lt|le|gt|ge|getitem|and_|or_|not_)"
    r"|math\.(ceil|floor|trunc|sqrt)"
)
"""Operators on tensors and sizes. Not among them: the two of aten that touch files, and everything else under
``torch``, where ``torch.ops.load_library`` or ``torch.hub.load`` would be found."""
_FUNCTION = re.compile(
    r"Symbol|Integer|Float|Rational|Add|Mul|Pow|Mod|Max|Min|And|Or|Not|Piecewise|ExprCondPair|Identity"
    r"|Eq|Ne|Lt|Le|Gt|Ge|Equality|Unequality|(Strict)?(Less|Greater)Than|Where|LShift|RShift|ToFloat"
    r"|FloorDiv|CeilDiv|CleanDiv|IntTrueDiv|FloatTrueDiv|PythonMod|ModularIndexing|FloatPow|PowByNatural"
    r"|CeilToInt|FloorToInt|TruncToInt|TruncToFloat|RoundToInt|RoundDecimal"
)
"""What symbolic sizes are made of, by their names in sympy and in torch."""
_METHODS = frozenset({"size", "stride", "storage_offset"})
_TREE_TYPES = frozenset({None, "builtins.tuple", "builtins.list", "builtins.dict"})
_CODE_NODES = (
    ast.Expression, ast.Call, ast.keyword, ast.Name, ast.Constant, ast.Attribute, ast.Subscript, ast.Load,
    ast.Compare, ast.BoolOp, ast.BinOp, ast.UnaryOp, ast.And, ast.Or, ast.Not, ast.USub,
    ast.Add, ast.Sub, ast.Mult, ast.FloorDiv, ast.Mod, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE,
)  # fmt: skip
_CODE_LIMIT = 4096


def check_program(document: Any) -> None:
    """Refuse a program that could make torch run anything but operators on tensors.

    Args:
        document: The parsed JSON of ``models/model.json``.

    Raises:
        Terminal: Names the place, what was found, and what is allowed there.
    """
    try:
        _check(document, "", "program")
    except RecursionError as error:
        raise Terminal("refused: program is nested deeper than can be checked") from error


def _check(value: Any, key: str, where: str) -> None:
    """Walk the document; ``key`` is the field that holds the value, or the list that the value is in."""
    if isinstance(value, dict):
        for name, child in value.items():
            _name(name, where)
            if name != "metadata" or not _is_metadata(child):
                _check(child, name, f"{where}.{name}"[-200:])
    elif isinstance(value, list):
        for index, child in enumerate(value):
            _check(child, key, f"{where}[{index}]"[-200:])
    elif isinstance(value, str):
        _STRINGS.get(key, _name)(value, where)


def _is_metadata(value: Any) -> bool:
    """Whether it is what torch keeps as metadata: flat, so that nothing hides in it under a value's name."""
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())


def _free_text(_: str, __: str) -> None:
    """A string that torch passes to operators and never evaluates."""


def _name(text: str, where: str) -> None:
    if not _NAME.fullmatch(text):
        raise _refused(where, text, "a name of letters, digits, '_' and '.'")


def _operator(text: str, where: str) -> None:
    if not _OPERATOR.fullmatch(text):
        raise _refused(where, text, "an operator on tensors (torch.ops.aten.*) or on sizes")


def _custom_object(text: str, where: str) -> None:
    raise _refused(where, text, "no custom object")


def _tree(text: str, where: str) -> None:
    """How inputs and outputs are nested: tuples, lists, dicts; other types could name modules to import."""
    try:
        protocol, root = json.loads(text)
        nodes = [root]
        for node in nodes:
            context = json.loads(node["context"]) if node["context"] is not None else None
            if node["type"] not in _TREE_TYPES or not _is_tree_context(context):
                raise _refused(where, str(node["type"]), "nested tuples, lists and dicts with names as keys")
            nodes.extend(node["children_spec"])
    except (ValueError, TypeError, KeyError) as error:
        raise _refused(where, text, "a tree specification") from error
    if protocol != 1:
        raise _refused(where, str(protocol), "protocol 1")


def _is_tree_context(context: Any) -> bool:
    """Whether it is the keys of a dict, or nothing."""
    return context is None or (
        isinstance(context, list) and all(isinstance(k, str) and _NAME.fullmatch(k) for k in context)
    )


def _expression(text: str, where: str) -> None:
    _code(text, where, lambda name: bool(_SYMBOL.fullmatch(name)))


def _guard(text: str, where: str) -> None:
    _code(text, where, lambda name: name == "L")


def _code(text: str, where: str, is_name: Callable[[str], bool]) -> None:
    """An expression over sizes: arithmetic, comparisons, and calls of the functions known here."""
    try:
        tree = ast.parse(text, mode="eval") if len(text) <= _CODE_LIMIT else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        tree = None
    if tree is None or not all(_is_harmless(node, is_name) for node in _nodes_without_functions(tree)):
        raise _refused(where, text, "an expression over sizes")


def _nodes_without_functions(tree: ast.AST) -> list[ast.AST]:
    """All nodes but the names of called functions, which ``_is_harmless`` judges at the call."""
    functions = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return [n for n in ast.walk(tree) if not (id(n) in functions and isinstance(n, ast.Name))]


def _is_harmless(node: ast.AST, is_name: Callable[[str], bool]) -> bool:
    match node:
        case ast.Call(func=ast.Name(id=name)):
            return _FUNCTION.fullmatch(name) is not None
        case ast.Call(func=ast.Attribute(), args=[], keywords=[]):
            return True
        case ast.Call():
            return False
        case ast.Attribute(attr=attr):
            return attr in _METHODS
        case ast.Name(id=name):
            return is_name(name)
        case ast.Constant(value=str(text)):
            return _STRING_IN_CODE.fullmatch(text) is not None
        case ast.Constant(value=value):
            return value is None or isinstance(value, int | float)
    return isinstance(node, _CODE_NODES)


def _refused(where: str, found: str, allowed: str) -> Terminal:
    return Terminal(f"refused: {where} is {found[:120]!r}; allowed: {allowed}")


_STRINGS: dict[str, Callable[[str, str], None]] = {
    "target": _operator,
    "as_operator": _operator,
    "expr_str": _expression,
    "guards_code": _guard,
    "in_spec": _tree,
    "out_spec": _tree,
    "as_string": _free_text,
    "as_strings": _free_text,
    "as_custom_obj": _custom_object,
    "class_fqn": _custom_object,
}
"""The rule for strings under a key; ``_name`` is the rule for all others."""
