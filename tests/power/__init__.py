"""Power cuts of a live UE: what is done meanwhile, what must be there afterwards, and the cuts themselves."""
