"""A downstream team can take the contracts alone: they import the standard library and pydantic."""

import ast
import sys
from pathlib import Path

import contracts


def test_contracts_import_pydantic_only() -> None:
    imported = set()
    for file in Path(contracts.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            imported |= {name.partition(".")[0] for name in names}

    assert imported - sys.stdlib_module_names <= {"contracts", "pydantic"}
