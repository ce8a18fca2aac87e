"""Small changes to a module's source that tests should notice: mutants."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    **{ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq},
    **{ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is},
}
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    **{ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Div},
    **{ast.Pow: ast.Mult, ast.Mod: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd},
}


@dataclass(frozen=True)
class Mutant:
    """A changed module.

    Attributes
    ----------
    line : int
        Where the change is.
    change : str
        What was and what is instead.
    source : str
        The whole module.
    """

    line: int
    change: str
    source: str


def count(source: str) -> int:
    """How many mutants a module has."""
    return sum(1 for _ in _sites(ast.parse(source)))


def mutant(source: str, number: int) -> Mutant:
    """Mutant of a module by its number, from 0, in the order of the lines."""
    tree = ast.parse(source)
    node, change = next(islice(_sites(tree), number, None))
    before = ast.unparse(node)
    text = f"{before} -> {change()}".replace("\n", " ")
    return Mutant(node.lineno, text[:160], ast.unparse(ast.fix_missing_locations(tree)) + "\n")


def _sites(tree: ast.AST) -> Iterator[tuple[ast.expr | ast.stmt, Callable[[], str]]]:
    """Places of a tree, and what changes each of them; annotations and docstrings are left as they are."""
    for node in _code(tree):
        if isinstance(node, ast.Compare) and type(node.ops[0]) in _COMPARISONS:
            yield node, partial(_set, node, "ops", [_COMPARISONS[type(node.ops[0])](), *node.ops[1:]])
        elif isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
            yield node, partial(_set, node, "op", _OPERATORS[type(node.op)]())
        elif isinstance(node, ast.BoolOp):
            yield node, partial(_set, node, "op", ast.Or() if isinstance(node.op, ast.And) else ast.And())
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            yield node, partial(_set, node, "op", ast.UAdd())
        elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            yield node, partial(_set, node, "value", _other(node.value))
        elif isinstance(node, ast.If | ast.IfExp | ast.While):
            yield node.test, partial(_negate, node)
        if isinstance(node, ast.FunctionDef | ast.If | ast.For | ast.With):
            yield from _removals(node)


def _set(node: ast.AST, name: str, value: object) -> str:
    setattr(node, name, value)
    return ast.unparse(node)


def _negate(node: ast.If | ast.IfExp | ast.While) -> str:
    node.test = ast.UnaryOp(op=ast.Not(), operand=node.test)
    return ast.unparse(node.test)


def _removals(node: ast.FunctionDef | ast.If | ast.For | ast.With) -> Iterator[tuple[ast.stmt, Callable[[], str]]]:
    """Statements of a block that can be left out: what is called, added to or raised."""
    for place, statement in enumerate(node.body):
        called = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
        if called or isinstance(statement, ast.AugAssign | ast.Raise):
            yield statement, partial(_remove, node.body, place)


def _remove(body: list[ast.stmt], place: int) -> str:
    body[place] = ast.Pass()
    return "pass"


def _other(value: bool | int | float) -> bool | int | float:
    return not value if isinstance(value, bool) else value + 1 if isinstance(value, int) else 2 * value or 1.0


def _code(node: ast.AST) -> Iterator[ast.AST]:
    """All that is computed, outermost first."""
    for name, field in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list"):
            continue
        for child in field if isinstance(field, list) else [field]:
            if isinstance(child, ast.AST):
                yield child
                yield from _code(child)
