"""The tests."""

import sys

sys.dont_write_bytecode = False
"""Some machines set PYTHONDONTWRITEBYTECODE; each command that a test starts would compile all of its modules anew."""
