"""What all desks share; knows no desk."""
