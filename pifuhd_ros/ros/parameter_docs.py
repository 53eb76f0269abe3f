"""The parameter table as text: ``python -m pifuhd_ros.ros.parameter_docs yaml|markdown``."""

from __future__ import annotations

import sys
import textwrap

from pifuhd_ros.ros.parameters import PARAMETERS, ParameterSpec, Value

_TYPE_NAMES = {bool: "bool", int: "int", float: "double", str: "string", tuple: "string[]"}
_CHANGES = {
    "start": "at the start only",
    "configure": "while unconfigured",
    "activate": "while not active",
    "capture": "any time",
}


def as_yaml() -> str:
    """Return config/capture.yaml: every default with its meaning as a comment."""
    lines = [
        "# Defaults of the capture node and what they mean.",
        "# Made from the table in pifuhd_ros/ros/parameters.py by",
        "# python -m pifuhd_ros.ros.parameter_docs yaml > config/capture.yaml",
        "/**:",
        "  ros__parameters:",
    ]
    for spec in PARAMETERS:
        notes = [f"{spec.description}", f"Can change {_CHANGES[spec.applies]}."]
        if spec.constraint:
            notes.insert(1, f"Allowed: {spec.constraint}.")
        comment = textwrap.wrap(" ".join(notes), 90)
        lines += ["", *(f"    # {line}" for line in comment)]
        lines.append(f"    {spec.name}: {_yaml_value(spec.default)}")
    return "\n".join(lines) + "\n"


def as_markdown() -> str:
    """Return the README's table of parameters."""
    lines = ["| parameter | type | default | allowed | can change | meaning |"]
    lines.append("|---|---|---|---|---|---|")
    lines += [_markdown_row(spec) for spec in PARAMETERS]
    return "\n".join(lines) + "\n"


def _markdown_row(spec: ParameterSpec) -> str:
    constraint = spec.constraint.replace("|", r"\|")
    cells = (
        f"`{spec.name}`",
        _TYPE_NAMES[type(spec.default)],
        f"`{_yaml_value(spec.default)}`",
        constraint,
        _CHANGES[spec.applies],
        spec.description,
    )
    return f"| {' | '.join(cells)} |"


def _yaml_value(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(value)}]"
    if isinstance(value, str):
        return f'"{value}"'
    return repr(value)


if __name__ == "__main__":
    sys.stdout.write({"yaml": as_yaml, "markdown": as_markdown}[sys.argv[1]]())
