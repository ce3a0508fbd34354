"""Notices (通知): told in the platform, and outside of it through an adapter that carries no personal data."""
