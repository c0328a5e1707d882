"""Training the locator: labels, the fit, and what was tried (LOG.md)."""
