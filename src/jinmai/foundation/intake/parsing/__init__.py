"""Reading files in a child process of bounded memory: unpack, find the headings, normalise, check, set repeats apart.
Nothing here imports Django."""
