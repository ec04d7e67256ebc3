"""`gatehouse demo`: a partner and a staff member through onboarding, over HTTP only, printed step by step."""
