"""A firm's consent (授权), and the access book (查阅记录) that says who read what, when and on what basis."""
