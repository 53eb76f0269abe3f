"""``python -m pifuhd_ros`` is ``pifuhd``."""

import sys

from pifuhd_ros.cli.main import main

sys.exit(main())
