"""Jinmai (金脉): the workbench of a city's or district's finance bureau."""

__version__ = "0.1.0"
