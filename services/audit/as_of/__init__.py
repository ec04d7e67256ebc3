"""How a partner, a roster, a membership or a branch's access stood at an instant of the past.

Accepts the queries of `contracts.audit_as_of`; answers from the log alone. `stories` fetches the events of a subject
that were recorded by then and no others, a pure fold for each kind of subject makes its state of them, `queries`
says who may ask.
"""
