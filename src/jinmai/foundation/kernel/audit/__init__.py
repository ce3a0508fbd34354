"""What was done, by whom, when: one chain an organisation (审计链), sealed with HMAC-SM3, heads anchored together."""
