"""Root admins decide: who may, from which state, how many must agree, and what it makes of the partner."""
