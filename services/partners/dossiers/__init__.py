"""Documents and applications: uploads bound to one body, what the store says of them, dossiers filed with them."""
