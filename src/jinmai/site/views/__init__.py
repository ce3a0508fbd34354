"""The site's pages, by what one comes for: signing in, the workbench, search, organisations, audit, errors."""
