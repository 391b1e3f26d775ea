"""One module per noun: what goes over the wire."""
