"""A PHORHUM network that takes no time."""

from pifuhd_ros.networks.distance_mlp import DistanceMlpConfig
from pifuhd_ros.networks.phorhum import PhorhumConfig
from pifuhd_ros.networks.shading import ShadingConfig
from pifuhd_ros.networks.shuffle_unet import ShuffleUNetConfig

SMALL_PHORHUM = PhorhumConfig(
    name="small",
    image_size=64,
    trunk_size=32,
    camera="perspective",
    trunk=ShuffleUNetConfig(3, 6, out_stride=2, widths=(8, 8), blocks=(1, 1), groups=2),
    point=DistanceMlpConfig(width=16, layers=3, frequencies=2, sees_pixel=True),
    shading=ShadingConfig(illumination=4, width=8, layers=2),
    depth_scale=5.0,
)
