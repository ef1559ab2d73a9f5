"""Whether lines that are executed at the end of a module of the job still change what they are meant to."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any


def stale(patches: Mapping[str, str]) -> list[str]:
    """What the lines bind and neither the module has nor they themselves use: it would change nothing."""
    found = []
    for module, lines in patches.items():
        tree, there = ast.parse(lines), dict(vars(import_module(module)))
        imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        exec(compile(ast.Module(imports, []), module, "exec"), there)
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and _is_read(node)}
        for target in _targets(tree):
            name = ast.unparse(target)
            if not (_is_there(target, there) or (isinstance(target, ast.Name) and name in used)):
                found.append(f"{module}: {name}")
    return found


def _is_read(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Load)


def _targets(tree: ast.Module) -> Iterator[ast.expr]:
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            yield ast.Name(statement.name)
        elif isinstance(statement, ast.Assign):
            for target in statement.targets:
                yield from target.elts if isinstance(target, ast.Tuple) else [target]


def _is_there(target: ast.expr, names: dict[str, Any]) -> bool:
    """Whether a name, or an attribute of one, has a value already; what has items is there if it is."""
    if isinstance(target, ast.Subscript):
        return _is_there(target.value, names)
    if isinstance(target, ast.Attribute):
        return hasattr(eval(ast.unparse(target.value), names), target.attr)
    return isinstance(target, ast.Name) and target.id in names
