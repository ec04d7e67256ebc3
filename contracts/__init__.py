"""What the services promise each other and their subscribers: messages, topics, failure codes, roles.

Everything here is data or a pydantic model; it imports nothing but pydantic and the standard library, so a
downstream team can vendor this package alone. `schemas/` and `examples/` hold the frozen form of each message.
"""
