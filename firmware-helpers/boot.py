# The door: the only name that Belay leaves in __main__ while it works. Every later part and every
# command goes through it and is run only when all its bytes came as they were sent. The parts live
# in a name space of their own, so that a user's `len = lambda x: 7` is never met and never
# changed; `_` (this function) is the only thing handed over. With z the bytes are a raw deflate
# stream with a window of 2**z. Boards that have `deflate` have `uio` as well. Neither can be
# shadowed by a user's file.
def _belay(s, k=0, z=0, d={}):
    h = 9
    for c in s:
        h = (h * 33 ^ c) & 0xffffff
    if h == k:
        import builtins as b
        d['_'] = _belay
        if z:
            import uio, deflate
            s = deflate.DeflateIO(uio.BytesIO(s), 1, z).read()
        b.exec(s, d)
    return h
