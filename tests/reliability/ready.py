"""Imported by the fork server: Django is set up once in this run's home; each racing process is a fork of it."""

import django
from django.db import connections

from jinmai.foundation.kernel.home import current_home

current_home()
django.setup()
connections.close_all()
