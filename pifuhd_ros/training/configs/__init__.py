"""Training runs by name: each module holds a ``CONFIG``."""
