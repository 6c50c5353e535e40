"""The floors in docs/architecture.md, held against the imports of the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import cast

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "nextchar"
PAGE = ROOT / "docs" / "architecture.md"
FOLDERS = sorted({path.parent.name for path in PACKAGE.glob("*/*.py")} - {"page"})
MODULES = {path.relative_to(PACKAGE).with_suffix("").as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}


def unit(module: str) -> str:
    """Return what the tables call ``module``: its folder where it lies in one."""
    folder, slash, _ = module.rpartition("/")
    return folder + slash or module


def table(head: str) -> list[list[str]]:
    """Return the cells of the table of the page whose first head is ``head``."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith(f"| {head} |"))
    rows: list[list[str]] = []
    for line in lines[first + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def reading_order(folder: str) -> list[str]:
    """Return the modules that the docstring of ``folder`` lists, from the first to read to the last."""
    docstring = ast.get_docstring(cast("ast.Module", parsed(f"{folder}/__init__"))) or ""
    return re.findall(r"^- `([a-z0-9_]+)`:", docstring, re.MULTILINE)


@cache
def floors() -> dict[str, int]:
    """Return the floor of everything that the table names."""
    return {name: int(number) for number, modules, _ in table("floor") for name in names(modules)}


def test_every_module_stands_on_exactly_one_floor() -> None:
    listed = [name for _, modules, _ in table("floor") for name in names(modules)]
    assert sorted(listed) == sorted({unit(module) for module in MODULES})


def test_floors_are_counted_from_the_ground() -> None:
    assert [int(number) for number, *_ in table("floor")] == list(range(len(table("floor"))))


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_down(module: str) -> None:
    here = floors()[unit(module)]
    for target in modules_of_the_package(parsed(module)):
        if unit(target) != unit(module):
            assert floors()[unit(target)] < here, f"{module} (floor {here}) imports {target}"


@pytest.mark.parametrize("module", MODULES)
def test_no_module_of_a_folder_imports_itself_in_a_circle(module: str) -> None:
    reached: set[str] = set()
    ahead = modules_of_the_package(parsed(module))
    while ahead:
        target = ahead.pop()
        # A package that hands out the names of its modules is no circle.
        if target not in reached and unit(target) == unit(module) and not target.endswith("__init__"):
            reached.add(target)
            ahead |= modules_of_the_package(parsed(target))
    assert module not in reached


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_lists_its_modules_in_the_order_of_their_imports(folder: str) -> None:
    order = reading_order(folder)
    modules = [module for module in MODULES if unit(module) == f"{folder}/" and not module.endswith("/__init__")]
    assert sorted(order) == sorted(module.rpartition("/")[2] for module in modules)
    for module in modules:
        here = order.index(module.rpartition("/")[2])
        for target in modules_of_the_package(parsed(module)):
            if unit(target) == f"{folder}/" and not target.endswith("/__init__"):
                assert order.index(target.rpartition("/")[2]) < here, f"{module} imports {target}, which comes later"


@pytest.mark.parametrize(("library", "known_to"), [(names(row[0])[0], names(row[1])) for row in table("library")])
def test_a_library_is_known_to_few(library: str, known_to: list[str]) -> None:
    users = {module for module in MODULES if any(name.split(".")[0] == library for name in imports(parsed(module)))}
    # A whole folder may be named instead of each of its modules.
    assert {unit(module) if unit(module) in known_to else module for module in users} == set(known_to)


def journeys() -> dict[str, list[str]]:
    """Return the calls of each journey of the page, as room/module.function."""
    section = PAGE.read_text(encoding="utf-8").partition("\n## Three journeys\n")[2].partition("\n## ")[0]
    parts = (part.partition("\n") for part in section.split("\n### ")[1:])
    return {title: re.findall(r"^\d+\. `([^`]+)`", steps, re.MULTILINE) for title, _, steps in parts}


@pytest.mark.parametrize("journey", journeys())
def test_a_journey_is_made_of_calls_that_exist_in_seven_rooms_at_most(journey: str) -> None:
    calls = journeys()[journey]
    assert calls
    for call in calls:
        module, *names = call.split(".")
        found: object = import_module(f"nextchar.{module.replace('/', '.')}")
        for name in names:
            found = getattr(found, name)
        assert callable(found), call
    assert len({call.rpartition("/")[0] for call in calls}) <= 7


def test_imports_of_every_kind_are_seen() -> None:
    tree = ast.parse(
        "from nextchar.text import catalog, train\nimport nextchar.text.corpus\nfrom nextchar.cli.app import app\n"
        "if TYPE_CHECKING:\n    from nextchar.training.trainer import Trainer\n"
        "def late():\n    import torch.nn\n    return import_module('pooch'), __import__('numba')\n"
    )
    assert modules_of_the_package(tree) == {
        "text/catalog",
        "text/__init__",
        "text/corpus",
        "cli/app",
        "training/trainer",
    }
    assert {"torch.nn", "pooch", "numba"} <= set(imports(tree))


@cache
def parsed(module: str) -> ast.AST:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


def modules_of_the_package(tree: ast.AST) -> set[str]:
    """Return the modules of the package that are imported in ``tree``, wherever in it."""
    found: set[str] = set()
    for name in imports(tree):
        package, *place = name.split(".")
        if package == "nextchar":
            # The longest part of the name that is a module; what follows is a name inside it.
            parts = ("/".join(place[:length]) for length in range(len(place), -1, -1))
            candidates = (module for part in parts for module in (part, f"{part}/__init__".lstrip("/")))
            found.add(next(module for module in candidates if module in MODULES))
    return found


def imports(tree: ast.AST) -> Iterator[str]:
    """Yield the dotted name of everything imported in ``tree``, a name taken from a module with the module's."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports name the package"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in {"import_module", "__import__"} and isinstance(node.args[0].value, str):
                yield node.args[0].value
