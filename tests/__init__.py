"""The suite mirrors the tree; it runs against real engines, never against mocks of our own code."""
