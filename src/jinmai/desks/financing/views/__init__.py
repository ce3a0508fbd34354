"""Pages: find what one may see, parse, act, show."""
