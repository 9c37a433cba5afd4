# The door (boot.py) of boards that cannot inflate. With z what comes is tokens: below 128 a
# character, else the first byte of two that name three to ten characters which came before.
def _belay(s, k=0, z=0, d={}):
    h = 9
    for c in s:
        h = (h * 33 ^ c) & 0xffffff
    if h == k:
        import builtins as b
        d['_'] = _belay
        if z:
            o = b.bytearray()
            t = 0
            for c in s:
                if t:
                    m = b.len(o) - c - (t & 15) * 256
                    o += o[m:m + (t >> 4) - 5]
                    t = 0
                elif c > 127:
                    t = c
                else:
                    o.append(c)
            s = b.bytes(o)
        b.exec(s, d)
    return h
