"""The devices of a run: Lightning Fabric knows them, their precision and their processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pifuhd_ros.training.config import Precision
from pifuhd_ros.types import DeviceError

if TYPE_CHECKING:
    from lightning.fabric import Fabric


def make_fabric(
    accelerator: str = "auto",
    devices: int = 1,
    nodes: int = 1,
    precision: Precision = "32-true",
    strategy: str = "auto",
) -> Fabric:
    """A Fabric that is not launched yet.

    Args:
        accelerator: auto, cpu or cuda.
        devices: On each node; on a CPU that many processes.
        nodes: Machines; on each the same command is started, with MASTER_ADDR, MASTER_PORT and
            NODE_RANK set as for torch.distributed, or all by Slurm.
        precision: Of the arithmetic.
        strategy: Of Fabric; auto is distributed data parallel as soon as there are two processes.

    Raises:
        DeviceError: Lightning is missing, or there are no such devices.
    """
    try:
        from lightning.fabric import Fabric
    except ImportError as error:
        raise DeviceError(
            f"training needs Lightning ({error}): pip install 'lightning>=2.4,<3'"
        ) from error
    if strategy == "auto" and devices * nodes > 1:
        strategy = "ddp"
    try:
        return Fabric(
            accelerator=accelerator,
            devices=devices,
            num_nodes=nodes,
            precision=precision,
            strategy=strategy,
        )
    except (RuntimeError, ValueError) as error:
        raise DeviceError(f"{devices} {accelerator} devices cannot be used: {error}") from error
