"""Linking firms by name (按名称关联企业): whose rows in two tables are one firm, where a credit code doesn't say so.

A name is read into parts (`names`), two names are compared part by part (`compare`), only names that share a key are
compared (`blocks`), and a pair's score decides: link, review, or nothing (`deciding`). The kernel does the first two for
millions of names; `names` and `compare` are its readable twins. Nothing here knows Django, a home, or a database.
"""
