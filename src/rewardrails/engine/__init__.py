"""The verbs: one module each, all of them on batches."""
