"""Stamps and headers of messages."""

from __future__ import annotations

from builtin_interfaces.msg import Time
from std_msgs.msg import Header

_NS_PER_S = 1_000_000_000


def stamp_ns_from_ros(stamp: Time) -> int:
    """Nanoseconds of a stamp."""
    return int(stamp.sec) * _NS_PER_S + int(stamp.nanosec)


def stamp_to_ros(stamp_ns: int) -> Time:
    """A stamp of nanoseconds."""
    sec, nanosec = divmod(stamp_ns, _NS_PER_S)
    return Time(sec=sec, nanosec=nanosec)


def header_to_ros(stamp_ns: int, frame_id: str) -> Header:
    """A header of nanoseconds and the name of a frame."""
    return Header(stamp=stamp_to_ros(stamp_ns), frame_id=frame_id)
