"""Rails: the contract every adapter keeps, the shared tools, and one package per adapter."""
