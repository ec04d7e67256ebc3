"""identity: tells the identity provider to deactivate who left a roster."""
