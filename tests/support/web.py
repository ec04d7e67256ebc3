"""HTTP to the stack and to our fakes, none of which speaks TLS."""

import ssl

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For httpx' `verify`: by itself it reads the machine's trust store for each client, which outlasts most calls."""
