"""One module per noun: the handlers, thin."""
