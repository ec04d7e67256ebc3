"""The frame stays small: past a thousand lines something is wrong (style.md, 12)."""

import ast
from pathlib import Path

import services.chassis

LIMIT = 1_000


def _lines_of_code(source: str) -> int:
    """Lines that say something: no blank lines, comments, docstrings or imports."""
    tree, silent = ast.parse(source), set[int]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom) or (isinstance(node, ast.Expr) and _is_text(node)):
            silent |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    lines = enumerate(source.splitlines(), 1)
    return sum(1 for n, line in lines if n not in silent and line.strip() and not line.strip().startswith("#"))


def _is_text(node: ast.Expr) -> bool:
    return isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def test_the_chassis_stays_under_a_thousand_lines() -> None:
    files = Path(services.chassis.__path__[0]).rglob("*.py")

    assert sum(_lines_of_code(file.read_text()) for file in files) <= LIMIT


def test_comments_docstrings_and_imports_do_not_count() -> None:
    assert _lines_of_code('"""Doc."""\nimport os\n\n# why\nx = os.sep\n') == 1
