"""Who may: one decision for every route and question, on facts of this moment."""
