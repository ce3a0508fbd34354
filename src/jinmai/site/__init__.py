"""站点: the house as one installation; it knows every room, and no room knows it."""
