"""Speed and size, measured and held to targets, with peers beside them in the same run: `make bench`."""
