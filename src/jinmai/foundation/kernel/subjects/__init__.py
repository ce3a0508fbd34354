"""Whom facts are about (主体), and the codes they go by (标识)."""
