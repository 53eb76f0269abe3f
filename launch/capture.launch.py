"""Brings the capture node up active.

ros2 launch pifuhd_ros capture.launch.py image_topic:=/camera/image_raw
ros2 service call /capture/capture pifuhd_ros/srv/Capture "{file_name: first}"
"""

from __future__ import annotations

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    LogInfo,
    OpaqueFunction,
    RegisterEventHandler,
)
from launch.events import matches_action
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import LifecycleNode
from launch_ros.event_handlers import OnStateTransition
from launch_ros.events.lifecycle import ChangeState
from lifecycle_msgs.msg import Transition

from launch import LaunchContext, LaunchDescription

_UNSET = ""
"""Default of arguments that leave the value of params_file alone."""

_PARAMETER_ARGUMENTS = (
    ("system", "Reconstruction system."),
    ("weights", "Weights file of the system."),
    ("device", "Where the networks run: auto, cpu, cuda or cuda:N."),
    ("image_transport", "raw, or compressed to subscribe to <image_topic>/compressed."),
    ("output_folder", "Folder of the files that a request names."),
)


def generate_launch_description() -> LaunchDescription:
    """Return the arguments, the node, and the events that make it active."""
    share = Path(get_package_share_directory("pifuhd_ros"))
    arguments = [
        DeclareLaunchArgument("namespace", default_value="", description="Namespace of the node."),
        DeclareLaunchArgument("name", default_value="capture", description="Name of the node."),
        DeclareLaunchArgument(
            "image_topic", default_value="image", description="Topic of the camera's images."
        ),
        DeclareLaunchArgument(
            "camera_info_topic",
            default_value=_UNSET,
            description="Topic of the calibration. Unset: camera_info beside image_topic.",
        ),
        DeclareLaunchArgument(
            "depth_topic", default_value="depth", description="Topic of the aligned depth, if any."
        ),
        DeclareLaunchArgument(
            "params_file",
            default_value=str(share / "config" / "capture.yaml"),
            description="YAML file with the node's parameters.",
        ),
        DeclareLaunchArgument(
            "log_level", default_value="info", description="Lowest severity that is logged."
        ),
    ]
    arguments += [
        DeclareLaunchArgument(
            name, default_value=_UNSET, description=f"{meaning} Unset: as params_file says."
        )
        for name, meaning in _PARAMETER_ARGUMENTS
    ]
    return LaunchDescription([*arguments, OpaqueFunction(function=_start)])


def _start(context: LaunchContext) -> list[object]:
    def argument(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    image_topic = argument("image_topic")
    beside_image = "".join(image_topic.rpartition("/")[:2]) + "camera_info"
    full_name = "/" + f"{argument('namespace').strip('/')}/{argument('name')}".lstrip("/")
    given = {name: argument(name) for name, _ in _PARAMETER_ARGUMENTS}
    capture = LifecycleNode(
        package="pifuhd_ros",
        executable="capture",
        namespace=argument("namespace"),
        name=argument("name"),
        output="screen",
        emulate_tty=True,
        parameters=[
            argument("params_file"),
            {name: value for name, value in given.items() if value != _UNSET},
        ],
        remappings=[
            ("image", image_topic),
            ("camera_info", argument("camera_info_topic") or beside_image),
            ("depth", argument("depth_topic")),
        ],
        ros_arguments=["--log-level", argument("log_level")],
    )

    def change_state(transition: int) -> EmitEvent:
        event = ChangeState(
            lifecycle_node_matcher=matches_action(capture), transition_id=transition
        )
        return EmitEvent(event=event)

    activate = RegisterEventHandler(
        OnStateTransition(
            target_lifecycle_node=capture,
            start_state="configuring",
            goal_state="inactive",
            entities=[change_state(Transition.TRANSITION_ACTIVATE)],
        )
    )
    report = RegisterEventHandler(
        OnStateTransition(
            target_lifecycle_node=capture,
            start_state="activating",
            goal_state="active",
            entities=[LogInfo(msg=f"capture is active, images from {image_topic}")],
        )
    )
    explain = RegisterEventHandler(
        OnStateTransition(
            target_lifecycle_node=capture,
            start_state="configuring",
            goal_state="unconfigured",
            entities=[
                LogInfo(
                    msg="capture could not be configured, its log says why; "
                    f"to try again: ros2 lifecycle set {full_name} configure"
                )
            ],
        )
    )
    # The handlers first, so that no transition is missed.
    return [activate, report, explain, capture, change_state(Transition.TRANSITION_CONFIGURE)]
