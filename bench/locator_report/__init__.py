"""The pictures and the cases of docs/locator.md: `python -m bench.locator_report`."""
