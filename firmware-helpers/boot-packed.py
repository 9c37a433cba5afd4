# The door (boot.py) of boards that cannot inflate. With z what comes is codes of one byte: below
# 128 a character, from there on a phrase, which is two earlier codes joined. Where z is more than 1
# the first z bytes are the codes of all phrases, which the door keeps; the table that they make
# takes 10 kB and is made again when it is needed. The sum begins with z, too.
def _belay(s, k=0, z=0, d={}, p=[]):
    h = 9 + z
    for c in s:
        h = (h * 33 ^ c) & 0xffffff
    if h == k:
        import builtins as b
        d['_'] = _belay
        if z:
            if z > 1:
                p += s[:z]
                s = s[z:]
            t = [b.bytes((c,)) for c in b.range(128)]
            for c in b.range(0, b.len(p), 2):
                t.append(t[p[c]] + t[p[c + 1]])
            s = b''.join([t[c] for c in s])
        b.exec(s, d)
    return h
