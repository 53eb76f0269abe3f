"""People that the project makes itself: images and supervision, torch only."""
