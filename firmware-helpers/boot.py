# The door: the only name that Belay leaves in __main__ while it works. Every later part and every
# command goes through it and is run only when all its bytes came as they were sent. The parts live
# in a name space of their own, so that a user's `len = lambda x: 7` is never met and never
# changed; `_` (this function) and `_m` (the user's globals) are the only things handed over.
# With z the bytes are a raw deflate stream with a window of 2**z; i and o read it before probe.py
# has found the modules.
def _belay(s, k=0, z=0, i=0, o=0, d={}):
    h = 9
    for c in s:
        h = (h * 33 ^ c) & 0xffffff
    if h == k:
        import builtins as b
        d['_'] = _belay
        d['_m'] = b.globals()
        if z:
            s = (i or d['deflate'].DeflateIO)((o or d['io'].BytesIO)(s), 1, z).read()
        b.exec(s, d)
    return h
