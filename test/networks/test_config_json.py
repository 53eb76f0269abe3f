"""Configs survive a file exactly, and nothing but a config is read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from small_pifuhd import SMALL_HOURGLASS, SMALL_UNET

from pifuhd_ros.networks.config_json import config_from_json, config_to_json
from pifuhd_ros.networks.pifuhd import LITE, PUBLISHED, PifuhdConfig


@pytest.mark.parametrize(
    "config", [SMALL_HOURGLASS, SMALL_UNET, LITE, PUBLISHED], ids=lambda c: c.name
)
def test_round_trip(config: PifuhdConfig) -> None:
    assert config_from_json(PifuhdConfig, config_to_json(config)) == config


def changed(path: str, value: Any) -> str:
    """The small config's JSON with one entry replaced."""
    data = json.loads(config_to_json(SMALL_HOURGLASS))
    *parents, last = path.split(".")
    entry = data
    for name in parents:
        entry = entry[name]
    entry[last] = value
    return json.dumps(data)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("surprise", 1, r"unknown fields \['surprise'\]"),
        ("coarse_filter.surprise", 1, r"config.coarse_filter: unknown fields"),
        ("fine_size", "64", "config.fine_size is '64', expected int"),
        ("fine_size", 64.0, "config.fine_size is 64.0"),
        ("fine_size", True, "config.fine_size is True"),
        ("fine_size", 1 << 40, "at most 4096"),
        ("fine_size", -64, "config.fine_size is -64"),
        ("depth_scale", float("nan"), "config.depth_scale"),
        ("depth_scale", None, "config.depth_scale"),
        ("name", 3, "config.name"),
        ("name", "x" * 1000, "config.name"),
        ("normals", None, "config.normals.type"),
        ("normals.type", "PointMlpConfig", "config.normals.type is 'PointMlpConfig'"),
        ("normals.type", ["a"], "config.normals.type"),
        ("coarse_filter.downsampling", "conv64", "coarse_filter.downsampling is 'conv64'"),
        ("coarse_filter.stacks", 4000, "stacks 4000"),
        ("coarse_mlp.channels", [7, "16", 1], r"coarse_mlp.channels\[1\]"),
        ("coarse_mlp.channels", [1] * 100, "at most 64 entries"),
        ("coarse_mlp.channels", 7, "must be a list"),
        ("coarse_mlp.phi_layer", "2", "coarse_mlp.phi_layer"),
        ("fine_mlp.type", "HourglassConfig", "must be an object of type PointMlpConfig"),
    ],
)
def test_what_is_no_config_is_told(path: str, value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        config_from_json(PifuhdConfig, changed(path, value))


def test_a_field_added_later_may_be_missing() -> None:
    data = json.loads(config_to_json(SMALL_UNET))
    assert data["normals"].pop("guide_channels") == 0
    assert config_from_json(PifuhdConfig, json.dumps(data)) == SMALL_UNET


def test_fields_with_a_default_must_be_there_too() -> None:
    data = json.loads(config_to_json(SMALL_HOURGLASS))
    del data["depth_scale"]
    with pytest.raises(ValueError, match=r"missing fields \['depth_scale'\]"):
        config_from_json(PifuhdConfig, json.dumps(data))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000], ids=lambda t: t[:4])
def test_other_text(text: str) -> None:
    with pytest.raises(ValueError, match=r"not JSON|must be an object"):
        config_from_json(PifuhdConfig, text)
