"""Learning from a project's own reviews: collect, align, filter, split, dataset."""
