# Everything here does its own set-up first; see scripts/setup.sh for what that is.
.DEFAULT_GOAL := help
.PHONY: help setup demo test lint format bench clean

RUN := scripts/run.sh
OUT ?= out

help:
	@echo 'make demo  [IMAGE=photo.jpg] [OUT=out]   capture node and camera over real ROS 2, once'
	@echo 'make test  [ARGS="-k surface"]           the tests'
	@echo 'make bench                               speed and memory'
	@echo 'make lint                                ruff and mypy'
	@echo 'make format                              lay the code out with ruff'
	@echo 'make setup [PYTHON=python3.11] [ROS_DISTRO_WHEELS=kilted]   only the set-up'
	@echo 'make clean                               remove .venv and build outputs'

setup:
	@scripts/setup.sh

demo: setup
	@$(RUN) python -m pifuhd_ros.ros.demo $(if $(IMAGE),--image "$(IMAGE)") --out "$(OUT)"

test: setup
	ROS_PYTHON_CHECK_FIELDS=1 $(RUN) python -m pytest $(ARGS)

lint: setup
	$(RUN) ruff check
	$(RUN) ruff format --check
	$(RUN) mypy

format: setup
	$(RUN) ruff check --fix
	$(RUN) ruff format

bench: setup
	@$(RUN) python benchmarks/bench.py $(ARGS)

clean:
	rm -rf .venv build install log dist .pytest_cache .mypy_cache .ruff_cache *.egg-info
