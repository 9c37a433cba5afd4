# The door: the only name that Belay leaves in __main__ while it works. Every later part and every
# command goes through it and is run only when all its bytes came as they were sent. The parts live
# in a name space of their own, so that a user's `len = lambda x: 7` is never met and never
# changed; `_` (this function) and `_m` (the user's globals) are the only things handed over.
def _belay(s, k=0, d={}):
    h = 9
    for c in s:
        h = (h * 33 ^ c) & 0xffffff
    if h == k:
        import builtins as b
        d['_'] = _belay
        d['_m'] = b.globals()
        b.exec(s, d)
    return h
