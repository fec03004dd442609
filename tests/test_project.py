"""The project as a whole: imports go one way, every sentence has its key, and what the documents promise is there."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from string import Formatter

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
SENTENCES = json.loads((ROOT / "assets/messages/en.json").read_text("utf-8"))

# A module imports only what stands before it.
ORDER = """
    messages bundle errors typed_numbers chunk jobs ops losses graph passes budget cells problem forward evaluate
    undefined
    document tokens grammar formula aten draws torch_causes constant_branches torch_import gallery random_graphs
    inference vector trace solve fast compare optimizers feeding learning datasets models batched training
    rule_table explain origin figures mistakes questions gates answers layout templates fold payload write
    derivative verdict tex program notebook latex inspect mend export site
    pictures.font pictures.drawing pictures.palette pictures.frame pictures.geometry pictures.cards pictures.board
    pictures.strip pictures.picture pictures.film pictures.handout pictures.media pictures
    verify bench growth costs evaluations goals exhibits reference lessons
    ui.assets ui.settings ui.view ui.language ui.address ui.links ui.headers ui.logs ui.draft ui.text ui.typed_field
    ui.listed ui.tracing ui.runs ui.component ui.controls ui.gate ui.deck ui.own_deck ui.saving ui.quiz ui.tour
    ui.stage ui.charts ui.editor ui.train_settings ui.train_payload ui.train ui.cost ui.progress ui.learn ui.reference
    ui.lecture ui.share ui.navigation ui __init__ __main__
""".split()

APP_CODE = sorted([*ROOT.glob("app.py"), *ROOT.glob("pages/*.py"), *ROOT.glob("pcgraph/**/*.py")])
PYTHON = sorted([*APP_CODE, *ROOT.glob("tests/**/*.py")])
SCRIPTS = sorted(ROOT.glob("assets/**/*.mjs"))
STAGE = sorted([*SCRIPTS, *ROOT.glob("assets/**/*.css"), *ROOT.glob("assets/**/*.html")])
TREES = {path: ast.parse(path.read_text("utf-8")) for path in APP_CODE}


def run(*command: str, cwd: Path = ROOT) -> str:
    """Run Python in a process of its own and return what it printed."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, *command], cwd=cwd, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def where(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(ROOT)}:{node.lineno}"


# ---- imports


def modules() -> dict[str, Path]:
    paths = {
        path.relative_to(ROOT / "pcgraph").with_suffix("").as_posix().replace("/", "."): path
        for path in ROOT.glob("pcgraph/**/*.py")
    }
    return {name.removesuffix(".__init__") if name != "__init__" else name: path for name, path in paths.items()}


def imported(node: ast.AST) -> list[str]:
    """Return the absolute names an import statement loads: `from a.b import c` may load a.b.c, and does load a.b."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute here"
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


def own_module(name: str) -> str | None:
    """Return the module of pcgraph a name lies in: the longest that matches, `__init__` for the package itself."""
    parts = name.split(".")
    if parts[0] != "pcgraph":
        return None
    for end in range(len(parts), 1, -1):
        if ".".join(parts[1:end]) in ORDER:
            return ".".join(parts[1:end])
    return "__init__"


def test_every_module_has_its_place_in_the_import_order():
    assert set(modules()) <= set(ORDER)


@pytest.mark.parametrize("module", sorted(modules()))
def test_imports_go_one_way(module):
    tree = TREES[modules()[module]]
    for node in ast.walk(tree):
        for target in filter(None, (own_module(name) for name in imported(node))):
            assert ORDER.index(target) < ORDER.index(module), f"{module} imports {target}, which comes after it"


@pytest.mark.parametrize("path", APP_CODE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_nothing_imports_a_screen_from_below_it(path):
    for node in ast.walk(TREES[path]):
        tops = {name.split(".")[0] for name in imported(node)}
        assert not tops & {"app", "pages", "tests"}, where(path, node)
        if "pcgraph" in path.relative_to(ROOT).parts and "ui" not in path.parts:
            assert not tops & {"streamlit", "starlette"}, where(path, node)


def test_importing_the_engine_loads_neither_screens_nor_plots_nor_encoders():
    loaded = run(
        "-c", "import sys, pcgraph, pcgraph.training; print(*{name.split('.')[0] for name in sys.modules})"
    ).split()
    assert "torch" in loaded
    assert not {"streamlit", "plotly", "starlette", "sklearn", "av", "PIL", "reportlab", "resvg_py"} & set(loaded)


# ---- dependencies are used as their documentation says

# Streamlit's page on multithreading documents get_script_run_ctx. `say` needs it, as it also runs without a session.
DOCUMENTED = {"streamlit.runtime.scriptrunner.get_script_run_ctx"}


@pytest.mark.parametrize("path", APP_CODE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_nothing_of_streamlit_is_patched_or_taken_from_inside(path):
    for node in ast.walk(TREES[path]):
        inside = [name for name in imported(node) if name.startswith("streamlit.") and name not in DOCUMENTED]
        assert not inside, where(path, node)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "st":
            assert not node.attr.startswith("_") and isinstance(node.ctx, ast.Load), where(path, node)


# ---- sentences

KEY = re.compile(r"[a-z_]+(\.[A-Za-z0-9_-]+)+")
PREFIX = re.compile(r"[a-z_]+\.[A-Za-z0-9_.-]*")


def calls() -> Iterator[tuple[Path, ast.Call, str]]:
    """Yield each call of `say(…)` or `XxxError(…)`, and every literal key it may name."""
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.args and takes_a_key(node.func):
                for key in literals(node.args[0]):
                    yield path, node, key


def takes_a_key(called: ast.expr) -> bool:
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return name == "say" or name in OUR_ERRORS


def literals(value: ast.expr) -> list[str]:
    """Return the texts an expression can be, where it is a literal or a choice between literals."""
    if isinstance(value, ast.IfExp):
        return literals(value.body) + literals(value.orelse)
    return [value.value] if isinstance(value, ast.Constant) and isinstance(value.value, str) else []


def error_kinds() -> set[str]:
    tree = ast.parse((ROOT / "pcgraph/errors.py").read_text("utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.ClassDef)}


OUR_ERRORS = error_kinds()


def slots(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name is not None}


def test_every_key_named_in_python_has_a_sentence():
    unknown = [f"{where(path, node)} {key}" for path, node, key in calls() if key not in SENTENCES]
    assert not unknown


def test_every_call_fills_all_slots_of_its_sentence():
    for path, node, key in calls():
        given = {keyword.arg for keyword in node.keywords}
        if key in SENTENCES and None not in given:
            assert slots(SENTENCES[key]) <= given, f"{where(path, node)} {key}"


def test_every_key_named_in_javascript_has_a_sentence():
    unknown = [
        f"{path.relative_to(ROOT)} {key}"
        for path in SCRIPTS
        for key in re.findall(r"""\bsay\(\s*["'`]([^"'`$]+)["'`]""", path.read_text("utf-8"))
        if key not in SENTENCES
    ]
    assert not unknown


def named_in_python() -> tuple[set[str], set[str]]:
    """Return every literal that reads as a key, and every start of an f-string that reads as the start of one."""
    keys, starts = set(), set()
    for tree in TREES.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and KEY.fullmatch(node.value):
                keys.add(node.value)
            first = (
                node.values[0]
                if isinstance(node, ast.JoinedStr)
                else node.left
                if isinstance(node, ast.BinOp)
                else None
            )
            if isinstance(first, ast.Constant) and isinstance(first.value, str) and PREFIX.fullmatch(first.value):
                starts.add(first.value)
    return keys, starts


def named_in_javascript() -> tuple[set[str], set[str]]:
    source = "\n".join(path.read_text("utf-8") for path in SCRIPTS)
    keys = {text for text in re.findall(r"""["'`]([^"'`\s]+)["'`]""", source) if KEY.fullmatch(text)}
    starts = re.findall(r"`([^`$\s]+)\$\{", source) + re.findall(r"""["']([^"'\s]+)["']\s*\+""", source)
    return keys, {text for text in starts if PREFIX.fullmatch(text)}


def test_every_sentence_is_said_somewhere():
    (keys, starts), (more_keys, more_starts) = named_in_python(), named_in_javascript()
    silent = set(SENTENCES) - keys - more_keys
    assert not {key for key in silent if not key.startswith(tuple(starts | more_starts))}


@pytest.mark.parametrize("path", sorted(ROOT.glob("assets/messages/*.json")), ids=lambda path: path.stem)
def test_sentences_are_plain_texts_with_named_slots(path):
    for key, sentence in json.loads(path.read_text("utf-8")).items():
        assert KEY.fullmatch(key), key
        assert sentence.strip() or key.endswith("empty"), key
        for _, name, spec, conversion in Formatter().parse(sentence):
            assert name is None or (name.isidentifier() and not spec and not conversion), f"{key}: {sentence}"
        assert slots(sentence) == slots(SENTENCES[key]), key


# ---- safety

BANNED = [
    *("innerHTML", "outerHTML", "insertAdjacentHTML", "setHTMLUnsafe", "document.write", "srcdoc"),
    *("eval(", "new Function", "@import", "@font-face"),
]


def project_files() -> list[Path]:
    folders = ("pages", "pcgraph", "assets", "lessons", "reference", "docs", "tests", ".streamlit", ".ci")
    inside = [path for folder in folders for path in (ROOT / folder).rglob("*")]
    texts = (".py", ".mjs", ".css", ".json", ".md", ".toml", ".html", ".txt", "")
    return [
        path
        for path in [*ROOT.iterdir(), *inside]
        if path.is_file() and path.suffix in texts and "__pycache__" not in path.parts
    ]


def test_no_file_names_the_machine_it_was_written_on():
    own = re.compile(r"(?<![\w.])/(home|root|Users|work)/\w")
    assert not [str(path) for path in project_files() if own.search(path.read_text("utf-8"))]


@pytest.mark.parametrize("path", STAGE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_stage_writes_no_html_runs_no_text_and_calls_nobody(path):
    source = path.read_text("utf-8")
    for word in BANNED:
        assert word not in source, word
    addresses = set(re.findall(r"(?:https?:)?//[\w.-]+\.(?:org|com|net|io|dev)[^\s\"'`)]*", source))
    assert all(address.startswith("http://www.w3.org/") for address in addresses), addresses


@pytest.mark.parametrize("path", APP_CODE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_app_shows_no_raw_html_and_runs_no_text(path):
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.Call):
            assert getattr(node.func, "id", "") not in {"eval", "exec", "compile", "__import__"}, where(path, node)
            assert "unsafe_allow_html" not in {keyword.arg for keyword in node.keywords}, where(path, node)
        assert not {name.split(".")[0] for name in imported(node)} & {"pickle", "marshal", "shelve", "dill"}, where(
            path, node
        )


# ---- what the documents promise


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)


def test_the_readmes_python_runs_and_prints_the_papers_gradients(tmp_path):
    (program,) = blocks("python")
    printed = run("-c", program, cwd=tmp_path)
    for name, gradient in {"z1": "+0.155520", "z2": "-0.090720", "z3": "-0.025920"}.items():
        assert f"{name}  Z-IL {gradient}  BP {gradient}" in printed
    assert "z2 without identity nodes: +0.346707" in printed


@pytest.mark.parametrize(("command", "word"), [("solve residual --method zil", "z3"), ("gallery", "residual")])
def test_the_readmes_commands_run(command, word, tmp_path):
    assert f"-m pcgraph {command}" in README
    assert word in run("-m", "pcgraph", *command.split(), cwd=tmp_path)


@pytest.mark.parametrize("path", [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))], ids=lambda path: path.name)
def test_links_and_pictures_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text("utf-8")):
        if not target.startswith(("http://", "https://", "#")):
            assert (path.parent / target.split("#")[0]).exists(), target


def test_make_lists_each_of_its_commands():
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("app", "test", "bench", "load", "format", "screenshots", "help"):
        assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)
        assert re.search(rf"^make {target} +\w", listed, re.MULTILINE)
    assert set(re.findall(r"\bmake ([a-z]+)", "\n".join(blocks("sh")))) <= set(
        re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE)
    )


def test_examples_made_by_chance_are_the_same_in_every_run_and_are_not_timed():
    from hypothesis import settings

    assert settings().derandomize and settings().deadline is None


def test_continuous_integration_is_make_test():
    script = ROOT / ".ci/run"
    assert os.access(script, os.X_OK)
    assert script.read_text("utf-8").rstrip().endswith("exec make test")


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_requirements_are_pinned_to_what_is_installed(name):
    for line in (ROOT / name).read_text("utf-8").split():
        package, pin = line.split("==")
        assert version(package).split("+")[0] == pin


def test_npm_packages_are_pinned_and_the_lock_agrees():
    wanted = json.loads((ROOT / "package.json").read_text("utf-8"))["devDependencies"]
    locked = json.loads((ROOT / "package-lock.json").read_text("utf-8"))["packages"]
    assert {name: locked[f"node_modules/{name}"]["version"] for name in wanted} == wanted


def test_the_image_copies_what_exists_and_runs_as_nobody_special():
    copies = [line.split()[1:-1] for line in DOCKERFILE.splitlines() if line.startswith("COPY")]
    sources = [source.rstrip("/") for line in copies for source in line]
    ignored = (ROOT / ".dockerignore").read_text("utf-8").split()
    folders = {"pages", "pcgraph", "assets", "lessons", "reference", "decks", ".streamlit"}
    assert set(sources) == folders | {"app.py", "requirements.txt", "pyproject.toml"}
    for source in sources:
        assert (ROOT / source).exists() and f"!{source}" in ignored, source
    assert re.search(r"^USER (?!root|0)\w+", DOCKERFILE, re.MULTILINE)
    assert "/_stcore/health" in DOCKERFILE and "EXPOSE 8501" in DOCKERFILE


def test_streamlit_knows_every_option_and_keeps_to_itself():
    done = subprocess.run(
        [sys.executable, "-m", "streamlit", "config", "show"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "not a valid config option" not in done.stdout + done.stderr
    for line in (
        "gatherUsageStats = false",
        "enableXsrfProtection = true",
        'address = "localhost"',
        'showErrorDetails = "none"',
    ):
        assert f"\n{line}\n" in done.stdout
