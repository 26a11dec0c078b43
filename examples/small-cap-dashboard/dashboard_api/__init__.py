"""The API behind the small-cap growth dashboard."""

__version__ = "1.0.0"
