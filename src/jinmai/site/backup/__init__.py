"""Backup and restore (备份与恢复): one encrypted file holds a home as of one moment; a restore proves itself."""
