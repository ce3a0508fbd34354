"""The bureau's desks, one package each."""
