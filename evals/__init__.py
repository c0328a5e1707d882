"""Evaluation that cannot be fooled, and the gate that decides which model may review."""
