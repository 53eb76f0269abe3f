"""Declares the parameter table on a node and guards every change of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.node import Node
from rclpy.parameter import Parameter

from pifuhd_ros.ros.parameters import (
    PARAMETERS,
    CaptureParameters,
    ParameterError,
    ParameterSpec,
)


class NodeParameters:
    """The table of parameters as ROS parameters of one node.

    A wrong value is refused when it is set. A wrong value given at the start does not kill the
    node: the default takes its place, the message goes to the log, and ``read`` raises it until
    the parameter has been set to something usable.
    """

    def __init__(self, node: Node, *, lock_reason: Callable[[ParameterSpec], str | None]) -> None:
        """Declare every parameter.

        Args:
            node: The node that carries them.
            lock_reason: Says why a parameter must not change at this moment, or None if it may.
        """
        self._node = node
        self._lock_reason = lock_reason
        self._specs = {spec.name: spec for spec in PARAMETERS}
        self._start_problems: dict[str, str] = {}
        node.add_on_set_parameters_callback(self._check)
        for spec in PARAMETERS:
            self._declare(spec)
        node.add_post_set_parameters_callback(self._forget_start_problems)

    def read(self) -> CaptureParameters:
        """Return the present values.

        Raises:
            ParameterError: A value given at the start was wrong and has not been set since.
        """
        if self._start_problems:
            raise ParameterError("; ".join(self._start_problems.values()))
        values: dict[str, Any] = {}
        for spec in PARAMETERS:
            value = self._node.get_parameter(spec.name).value
            values[spec.name] = tuple(value) if isinstance(spec.default, tuple) else value
        return CaptureParameters(**values)

    def _declare(self, spec: ParameterSpec) -> None:
        default = list(spec.default) if isinstance(spec.default, tuple) else spec.default
        descriptor = _descriptor(spec)
        try:
            self._node.declare_parameter(spec.name, default, descriptor)
        except (InvalidParameterTypeException, InvalidParameterValueException) as error:
            self._node.declare_parameter(spec.name, default, descriptor, ignore_override=True)
            self._start_problems[spec.name] = str(error)
            self._node.get_logger().error(
                f"parameter {spec.name} has a wrong value: {error}. "
                f"Set it to a usable one, then configure the node."
            )

    def _check(self, parameters: list[Parameter]) -> SetParametersResult:
        for parameter in parameters:
            spec = self._specs.get(parameter.name)
            if spec is None:
                continue
            problem = spec.problem(parameter.value)
            if problem is None and not self._is_set_to(parameter):
                problem = self._lock_reason(spec)
            if problem is not None:
                return SetParametersResult(successful=False, reason=problem)
        return SetParametersResult(successful=True)

    def _is_set_to(self, parameter: Parameter) -> bool:
        # While it is declared, a parameter has no value yet.
        name = parameter.name
        if not self._node.has_parameter(name):
            return False
        return bool(self._node.get_parameter(name).value == parameter.value)

    def _forget_start_problems(self, parameters: list[Parameter]) -> None:
        for parameter in parameters:
            self._start_problems.pop(parameter.name, None)


def _descriptor(spec: ParameterSpec) -> ParameterDescriptor:
    descriptor = ParameterDescriptor(
        description=spec.description,
        additional_constraints=spec.constraint,
        read_only=spec.read_only,
    )
    if spec.minimum is not None and spec.maximum is not None:
        if isinstance(spec.default, float):
            descriptor.floating_point_range = [
                FloatingPointRange(from_value=spec.minimum, to_value=spec.maximum, step=0.0)
            ]
        else:
            descriptor.integer_range = [
                IntegerRange(from_value=int(spec.minimum), to_value=int(spec.maximum), step=1)
            ]
    return descriptor
