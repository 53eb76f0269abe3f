"""The parametric body."""
