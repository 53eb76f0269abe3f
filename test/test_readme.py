"""What the documentation promises exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from pifuhd_ros.ros.parameter_docs import as_markdown

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = {name: (ROOT / name).read_text() for name in ("README.md", "CONTRIBUTING.md")}


def between_markers(name: str) -> str:
    [content] = re.findall(f"<!-- {name}:begin -->\n(.*?)<!-- {name}:end -->", README, re.S)
    return content


def test_the_parameter_table_is_that_of_the_node() -> None:
    assert between_markers("parameters") == as_markdown()


@pytest.mark.parametrize("name", ["picture", "quality", "speed", "parameters"])
def test_generated_parts_have_their_place(name: str) -> None:
    assert isinstance(between_markers(name), str)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", DOCUMENTS[document])
    missing = [link for link in links if not (ROOT / link).exists()]
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_files_and_folders_that_are_named_exist(document: str) -> None:
    names = re.findall(
        r"`((?:pifuhd_ros|test|scripts|config|launch|benchmarks|msg|srv)/[\w./-]*)`",
        DOCUMENTS[document],
    )
    missing = [name for name in names if not (ROOT / name).exists()]
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_make_targets_exist(document: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    named = set(re.findall(r"(?:`|^|\s)make ([a-z]+)(?=[\s`\[])", DOCUMENTS[document], re.M))
    assert {"test", "setup"} & named
    assert named - targets == set()


def test_the_python_example_imports_what_exists() -> None:
    [example] = re.findall(r"```python\n(.*?)```", README, re.S)
    tree = ast.parse(example)
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    assert len(imports) >= 2
    for node in imports:
        module = ROOT / f"{str(node.module).replace('.', '/')}.py"
        source = module.read_text()
        for alias in node.names:
            assert re.search(rf"^(class|def) {alias.name}\b", source, re.M), alias.name


def test_every_topic_of_the_node_is_in_the_readme() -> None:
    source = "".join(path.read_text() for path in (ROOT / "pifuhd_ros" / "ros").glob("*.py"))
    names = set(re.findall(r'"(~/\w+)"', source)) - {"~/pifuhd_captures"}  # a folder
    assert {"~/mesh", "~/capture", "~/reconstruct"} <= names
    assert {name for name in names if f"`{name}`" not in README} == set()
