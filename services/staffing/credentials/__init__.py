"""What belongs to a person alone: codes to their phone, their password, their sessions, and messages to them."""
