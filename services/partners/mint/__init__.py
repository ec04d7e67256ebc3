"""mint: signs an approved invoice's voucher and submits it.

Owns the token layer: the one P-256 key that signs vouchers, in a PKCS#11 module or, for development, in a file. The
rest of the service sees `Token` and `TokenError` (`token.py`) and, from the event loop, `TokenKeeper` (`keeper.py`);
`tokens.py` builds the one that the settings name. A token takes a whole message, never a digest, and gives back the
one form of a signature that its public key confirms.
"""
