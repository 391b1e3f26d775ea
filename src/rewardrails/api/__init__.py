"""The REST API: typed requests in, stable codes out; everything it does is a verb of the engine."""
