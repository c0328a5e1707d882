"""The reviewer: from a pull request's diff to review comments on the right lines."""

__version__ = "0.1.0"
