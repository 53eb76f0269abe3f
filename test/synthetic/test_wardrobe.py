"""The packed assets."""

from __future__ import annotations

from pathlib import Path

import pytest

from pifuhd_ros.synthetic.wardrobe import load_wardrobe
from pifuhd_ros.types import AssetError


def test_missing_pack_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match="pack-assets"):
        load_wardrobe(tmp_path / "none.safetensors")
