"""The adapter for Wise Platform: bank transfers, made in four steps, the last of which alone moves money."""
