"""The rules of this tree. In: its files. Out: a failed test that names every file, function or import to mend."""

import ast
import fnmatch
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_command

import gatewitness

ROOT = Path(__file__).parents[1]
FILE_LINES = 400
FUNCTION_LINES = 60
NESTING = 3
BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match)
Function = ast.FunctionDef | ast.AsyncFunctionDef

FORBIDDEN = {
    "capture.record": ("capture.", "report", "web", "playwright", "flask"),
    "capture": ("report", "web", "flask"),
    "report": ("capture.", "web", "playwright", "flask"),
}
"""Package, and the beginnings of what it may not import; the longest package that fits a module counts."""
ALLOWED = {"capture.record": ("capture.record",), "report": ("capture.record",)}
"""Exceptions from FORBIDDEN, by package."""

BLIND_EXCEPT = {"capture/pipeline.py", "gatewitness.py", "web/workers/outbox.py", "web/workers/slot.py"}
"""The step runner, the front door, the outbox, the job runner: there a failure becomes a record, a sentence or another
attempt."""

COVERED_ELSEWHERE: dict[str, str] = {
    "capture/certificates.py": "tests/capture/steps/test_tls.py",
    "capture/http2.py": "tests/capture/steps/test_plain_http.py",
    "capture/redact/__init__.py": "tests/capture/redact/test_properties.py",
    "capture/redact/names.py": "tests/capture/redact/test_values.py",
    "capture/redact/shape.py": "tests/capture/redact/test_values.py",
    "capture/steps/hop.py": "tests/capture/steps/test_plain_http.py",
    "capture/steps/reach.py": "tests/capture/steps/test_tcp.py",
    "capture/tls_stream.py": "tests/capture/steps/test_tls.py",
    "report/bag.py": "tests/report/test_verify.py",
    "report/deliver/base.py": "tests/report/deliver/test_delivery.py",
    "report/sealed.py": "tests/report/test_verify.py",
    "web/__init__.py": "tests/web/test_app.py",
    "web/store/migrations/versions/r0001_first_tables.py": "tests/web/store/test_migrations.py",
    "web/store/migrations/versions/r0002_deliveries.py": "tests/web/store/test_migrations.py",
    "web/workers/child.py": "tests/web/workers/test_pool.py",
    "web/workers/nursery.py": "tests/web/workers/test_pool.py",
}
"""Modules without a test of the same name, and the test that covers them."""

HEAVY = ("playwright", "weasyprint", "flask")


def sources() -> list[Path]:
    """Everything that is shipped and written in Python."""
    packages = (ROOT / name for name in ("capture", "ci", "report", "web"))
    return [ROOT / "gatewitness.py", *sorted(path for package in packages for path in package.rglob("*.py"))]


def everything() -> list[Path]:
    """The tests and the bench too."""
    return [*sources(), *sorted(path for name in ("tests", "bench") for path in (ROOT / name).rglob("*.py"))]


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(node: ast.AST, modules: frozenset[str], typing_too: bool = True) -> Iterator[str]:
    """Every module that is imported anywhere below the node; `from package import module` names the module."""
    if not typing_too and isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        for alias in node.names:
            longer = f"{node.module}.{alias.name}"
            yield longer if longer in modules else node.module or ""
    for child in ast.iter_child_nodes(node):
        yield from imports(child, modules, typing_too)


def functions(module: ast.Module) -> Iterator[Function]:
    yield from (node for node in ast.walk(module) if isinstance(node, Function))


def depth(node: ast.AST, level: int = 0) -> int:
    """How deeply blocks are nested; an `elif` is no deeper than its `if`, a function in a function starts anew."""
    deepest = level
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function):
            continue
        is_elif = isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]
        deeper = isinstance(child, BLOCKS) and not is_elif
        deepest = max(deepest, depth(child, level + deeper))
    return deepest


def starts_with(name: str, beginnings: tuple[str, ...]) -> bool:
    return any(f"{name}.".startswith(f"{beginning.rstrip('.')}.") for beginning in beginnings)


def nothing(offenders: Iterable[str]) -> None:
    """Fails with all of them, a line each."""
    lines = sorted(offenders)
    if lines:
        pytest.fail("\n".join(lines), pytrace=False)


def beyond(limit: int, counts: dict[str, int]) -> Iterator[str]:
    yield from (f"{name}: {count}, at most {limit}" for name, count in counts.items() if count > limit)


def test_imports_go_in_one_direction_only() -> None:
    modules = frozenset(map(module_name, sources()))
    wrong = []
    for path in sources():
        name = module_name(path)
        package = max((known for known in FORBIDDEN if starts_with(name, (known,))), key=len, default=None)
        if package is None:
            continue
        allowed = ALLOWED.get(package, ())
        wrong += [f"{name} imports {imported}" for imported in imports(tree(path), modules)
                  if starts_with(imported, FORBIDDEN[package]) and not starts_with(imported, allowed)]
    nothing(wrong)


def test_modules_do_not_import_in_circles() -> None:
    modules = frozenset(map(module_name, sources()))
    graph = {name: {other for other in imports(tree(path), modules, typing_too=False) if other in modules} - {name}
             for path in sources() for name in [module_name(path)]}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"circle of imports: {' > '.join(error.args[1])}", pytrace=False)


def test_a_diagnosis_loads_neither_browser_nor_renderer_nor_server() -> None:
    code = f"import sys, report.diagnose; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_files_are_short() -> None:
    lines = {shown(path): len(path.read_text().splitlines()) for path in [*everything(), ROOT / "run"]}
    nothing(beyond(FILE_LINES, lines))


LONG_DATA = {"tests/report/examples.py", "tests/report/failures.py"}
"""Modules whose functions are one literal each: the records of a whole capture."""


def test_functions_are_short() -> None:
    lines = {f"{shown(path)}:{function.name}": (function.end_lineno or 0) - function.lineno + 1
             for path in everything() if shown(path) not in LONG_DATA for function in functions(tree(path))}
    nothing(beyond(FUNCTION_LINES, lines))


def test_functions_are_flat() -> None:
    depths = {f"{shown(path)}:{function.name}": depth(function)
              for path in everything() for function in functions(tree(path))}
    nothing(beyond(NESTING, depths))


def test_no_error_is_caught_blindly_but_where_it_becomes_a_record() -> None:
    def blind(handler: ast.ExceptHandler) -> bool:
        caught = "BaseException" if handler.type is None else ast.unparse(handler.type)
        last = handler.body[-1]
        passed_on = isinstance(last, ast.Raise) and last.exc is None
        return re.search(r"\b(Base)?Exception\b", caught) is not None and not passed_on

    found = {shown(path) for path in everything() for node in ast.walk(tree(path))
             if isinstance(node, ast.ExceptHandler) and blind(node)}
    assert found == BLIND_EXCEPT


def test_every_module_says_what_goes_in_and_what_comes_out() -> None:
    nothing(shown(path) for path in sources() if not ast.get_docstring(tree(path)))


def test_everything_public_says_what_it_means() -> None:
    def public(node: ast.AST) -> Iterator[Function | ast.ClassDef]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, Function | ast.ClassDef) and not child.name.startswith("_"):
                yield child
            if isinstance(child, ast.ClassDef) and not child.name.startswith("_"):
                yield from public(child)

    nothing(f"{shown(path)}:{node.name}" for path in sources() for node in public(tree(path))
            if not ast.get_docstring(node))


def has_code(path: Path) -> bool:
    """Whether there is behaviour to test; types alone have none."""
    return any(functions(tree(path)))


def own_test(path: Path) -> str:
    """tests/a/test_b.py for a/b.py, and for a/b/__init__.py too."""
    source = path.parent if path.name == "__init__.py" else path
    relative = source.relative_to(ROOT)
    return ("tests" / relative.parent / f"test_{relative.stem}.py").as_posix()


def test_every_module_has_a_test_of_its_name() -> None:
    needed = {shown(path): own_test(path) for path in sources() if has_code(path)}
    nothing(f"{name} lacks {test}" for name, test in needed.items()
            if name not in COVERED_ELSEWHERE and not (ROOT / test).is_file())


def test_the_exceptions_are_not_stale() -> None:
    named = {test for test in COVERED_ELSEWHERE.values() if not (ROOT / test).is_file()}
    gone = {name for name in COVERED_ELSEWHERE if not (ROOT / name).is_file()}
    needless = {name for name in COVERED_ELSEWHERE.keys() - gone if (ROOT / own_test(ROOT / name)).is_file()}
    assert (named, gone, needless) == (set(), set(), set())


def tracked() -> list[Path]:
    """What belongs to the tree, whether or not git is there to ask; the names in .gitignore are left out."""
    ignored = {line.strip("/") for line in (ROOT / ".gitignore").read_text().split()}
    found = []
    for root, directories, files in os.walk(ROOT):
        directories[:] = [name for name in directories if name != ".git" and not _is_any(name, ignored)]
        found += [Path(root, name) for name in files if not _is_any(name, ignored)]
    return sorted(found)


def _is_any(name: str, patterns: set[str]) -> bool:
    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


def test_nothing_names_the_machine_it_was_written_on_or_a_package_index() -> None:
    # Put together here, so that this file does not contain them.
    directories = "|".join(("work", "farm", "root", "opt/" + "pypi", "opt/" + "wheels", "home/" + "[a-z]+"))
    hosts = "|".join(r"\.".join(reversed(name.split())) for name in (
        "org pypi", "org pythonhosted", "org debian deb", "org debian security", "com ubuntu archive", "org npmjs"))
    pattern = re.compile(rf"(?<![\w.~}}\]/-])/(?:{directories})/|\b(?:{hosts})\b".encode())
    nothing(f"{shown(path)}: {match.decode()}" for path in tracked() for match in pattern.findall(path.read_bytes()))


def test_every_option_of_capture_is_in_the_readme() -> None:
    commands = get_command(gatewitness.app)
    assert isinstance(commands, TyperGroup)
    declared = {option for parameter in commands.commands["capture"].params for option in parameter.opts
                if option.startswith("--")}
    documented = set(re.findall(r"^\| `(--[a-z-]+)", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert documented == declared


def test_every_direct_dependency_is_explained() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    direct = {re.split(r"[\[<>=~!; ]", requirement)[0] for requirement in project["dependencies"]}
    table = (ROOT / "CONTRIBUTING.md").read_text().partition("| library | for |")[2].partition("\n\n")[0]
    explained = {name.strip() for row in re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE) for name in row.split(",")}
    assert explained == direct
