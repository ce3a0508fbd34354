"""Cities: each folder is one city's overlay over the shared rules."""
