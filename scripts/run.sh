#!/usr/bin/env bash
# Runs a command in the environment that scripts/setup.sh made: scripts/run.sh python -m …
set -euo pipefail

venv=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/.venv
if [ ! -f "$venv/made/interfaces" ]; then
  echo "run: .venv is not ready; run: make setup" >&2
  exit 1
fi
case $(cat "$venv/made/venv") in
*sourced-*)
  export AMENT_PREFIX_PATH=$venv${AMENT_PREFIX_PATH:+:$AMENT_PREFIX_PATH}
  export LD_LIBRARY_PATH=$venv/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  ;;
*)
  # A sourced ROS 2 that is not the one in use must not mix with the wheels.
  [ -z "${ROS_DISTRO:-}" ] || unset PYTHONPATH LD_LIBRARY_PATH
  unset _ROS_WHEELS_BOOTSTRAP_COMPLETE
  export AMENT_PREFIX_PATH=$venv
  ;;
esac
export VIRTUAL_ENV=$venv PATH=$venv/bin:$PATH
exec "$@"
