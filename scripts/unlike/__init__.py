"""People seen by another renderer than the one that made the training images."""
