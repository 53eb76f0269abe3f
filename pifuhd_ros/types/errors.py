"""The errors a user can cause and read. Every message says what was wrong and what to do."""


class PifuhdError(Exception):
    """Base of every error that this package raises on purpose."""


class ImageError(PifuhdError):
    """An image that cannot be used: unreadable, empty, or of an unknown layout."""


class NoPersonError(PifuhdError):
    """No person was found in the image."""


class WeightsError(PifuhdError):
    """A weights file that is missing, damaged, unsafe, or does not fit its config."""


class ConfigError(PifuhdError):
    """A config that is missing or asks for what cannot be."""


class DeviceError(PifuhdError):
    """A device that does not exist here or does not have the memory that the work needs."""


class SurfaceError(PifuhdError):
    """A field without a usable surface: empty, full, or not finite."""


class AssetError(PifuhdError):
    """A folder or file of human assets that is missing, incomplete or damaged."""


class MeshError(PifuhdError):
    """A mesh file that cannot be read, or lacks what is asked of it."""


class ExportError(PifuhdError):
    """A result that cannot be written: unknown file ending, or no such folder to write to."""


class CaptureCancelled(PifuhdError):  # noqa: N818 - no error, a wish
    """The caller asked to stop; raised from inside a progress callback and passed on unchanged."""
