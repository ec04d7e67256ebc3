"""Everything that works by itself in a service, found in the code: background tasks, and lanes that read events."""

import ast
from collections.abc import Iterator
from pathlib import Path

import services

ROOT = Path(services.__file__).parent


def background_work() -> set[str]:
    """`<package>: <what runs>` of each, such as `partners: ExpiryTimer.run`; names are as the code has them."""
    return {
        f"{'.'.join(file.relative_to(ROOT).parent.parts)}: {name}"
        for file in ROOT.rglob("*.py")
        for name in _found_in(ast.parse(file.read_text(encoding="utf-8")))
    }


def _found_in(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Attribute(attr="background"), attr="append"), args=[work]):
                yield _name(work)
            case ast.AugAssign(target=ast.Attribute(attr="background"), value=ast.List(elts=works)):
                yield from map(_name, works)
            case ast.AnnAssign(target=ast.Attribute(attr="background"), value=ast.List(elts=works)):
                yield from map(_name, works)
            case ast.Call(func=ast.Attribute(attr="create_task" | "ensure_future"), args=[work, *_]):
                yield _name(work)
            case ast.Call(func=ast.Attribute(attr="events"), args=[_, _, work, *_]):
                yield _name(work)


def _name(work: ast.expr) -> str:
    """The expression without the arguments of its calls."""

    class WithoutArguments(ast.NodeTransformer):
        def visit_Call(self, call: ast.Call) -> ast.expr:
            return self.visit(call.func)  # type: ignore[no-any-return]

    return ast.unparse(WithoutArguments().visit(work))
