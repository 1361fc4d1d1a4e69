"""What `tests/run` is made of: one stage a module, all into one Results."""
