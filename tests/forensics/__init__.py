"""Memory forensics: what of a key is where in a running machine.

`memory` reads a paused UE's RAM, `search` knows the forms that a key can
take, `secure_map` tells the trusted application's pages from OP-TEE's,
`scenario` is the life of one PGK, `report` what was searched and found.
"""
