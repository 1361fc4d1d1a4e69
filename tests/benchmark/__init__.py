"""What `make bench` makes of the raw samples of prose-bench."""
