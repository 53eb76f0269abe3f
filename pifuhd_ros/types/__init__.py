"""Frozen dataclasses that every hop speaks."""

from pifuhd_ros.types.camera import Camera
from pifuhd_ros.types.crop import PersonCrop
from pifuhd_ros.types.detection import PersonDetection
from pifuhd_ros.types.errors import (
    AssetError,
    CaptureCancelled,
    ConfigError,
    DeviceError,
    ExportError,
    ImageError,
    MeshError,
    NoPersonError,
    PifuhdError,
    SurfaceError,
    WeightsError,
)
from pifuhd_ros.types.field import ImplicitField
from pifuhd_ros.types.frame import Frame
from pifuhd_ros.types.mesh import ColorSource, Mesh
from pifuhd_ros.types.normals import NormalMaps
from pifuhd_ros.types.progress import OnProgress
from pifuhd_ros.types.reconstruction import Reconstruction, ScaleSource
from pifuhd_ros.types.scan import Scan

__all__ = [
    "AssetError",
    "Camera",
    "CaptureCancelled",
    "ColorSource",
    "ConfigError",
    "DeviceError",
    "ExportError",
    "Frame",
    "ImageError",
    "ImplicitField",
    "Mesh",
    "MeshError",
    "NoPersonError",
    "NormalMaps",
    "OnProgress",
    "PersonCrop",
    "PersonDetection",
    "PifuhdError",
    "Reconstruction",
    "ScaleSource",
    "Scan",
    "SurfaceError",
    "WeightsError",
]
