"""MakeHuman assets read and packed into one file for the generator."""
