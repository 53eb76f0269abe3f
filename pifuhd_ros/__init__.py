"""One camera frame of a person in, a metric, coloured 3D mesh out."""

# The compiled ROS interfaces (msg, srv, action) install a package of the same name;
# with the source root on sys.path this makes both halves visible.
__path__ = __import__("pkgutil").extend_path(__path__, __name__)

__version__ = "0.1.0"
