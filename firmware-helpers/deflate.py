# A raw-deflate encoder (RFC 1951) for boards that can run viper code. deflate.md is its contract.
#
# Everything lives in four buffers that the caller makes: r, a ring of 2**k bytes with the text
# (k <= 15); d, where the compressed bytes go; S, an array('H') with the state, the codes and the
# hash table. Nothing is allocated while compressing.
#
# S[0] position in the ring   S[4] 1 while no block is open    S[8:324] codes: bits << 4 | length
# S[1] bytes in d             S[5] ring size - 1               (256 literals, end, 29 lengths,
# S[2] bits not yet in d      S[6] hash mask: (slots - 1)*ways 30 distances)
# S[3] how many (0 to 7)      S[7] ways - 1 (1, 2, 4, 8)       S[324:448] block header, 256 ends it
# S[448:] the hash table: slots * ways ring positions


def compress_codes(S):
    # The block header that test/bench/train-codes.ts found, all of it, low bits first. Its code
    # length code is 4 bits for each of 0..14 and 16, so reading the lengths back is short.
    V = v = int(
        '1or19xxq5bkrtfbsiqrf0ciu3o1hxffrgtx4k55gptk7ew39npqrofom1rxu6td27c3vvo6rr6gkrmh2'
        'hmd25px86heo3t9nlcl1s7vudhzpzd48iq17h2glub81ta9a1umi0jgwhvyn4as91c2q3h6c03rho',
        36,
    )
    j = 324
    while v:
        S[j] = v & 255
        v >>= 8
        j += 1
    S[j] = 256
    S[4] = 1
    V >>= 74
    L = []
    while V:
        n = V & 15
        V >>= 4
        if n > 14:
            L += L[-1:] * (3 + (V & 3))
            V >>= 2
        else:
            L.append((n & 1) << 3 | (n & 2) << 1 | (n & 4) >> 1 | n >> 3)
    for j, e in (0, 286), (286, 316):
        c = p = 0
        for x in sorted([L[i] << 9 | i for i in range(j, e)]):
            n = x >> 9
            c <<= n - p
            p = n
            v = 0
            for i in range(n):
                v = v << 1 | c >> i & 1
            S[8 + (x & 511)] = v << 4 | n
            c += 1


# Compresses n bytes of the ring from S[0] on (they must not pass the ring's end), appends to d,
# returns the bytes in d. n = 0: forgets the text so far and goes on at the ring's start.
# n < 0: ends the stream. Writes at most n + 112 bytes (4 at the end).
@micropython.viper
def compress(r: ptr8, n: int, d: ptr8, S: ptr16) -> int:
    i = S[0]
    o = S[1]
    u = S[2]
    t = S[3]
    M = S[5]
    w = S[7] + 1
    b = i + n
    if n == 0:
        i = S[6] + S[7]
        while i >= 0:
            S[448 + i] = 0
            i -= 1
        S[0] = 0
        return o
    e = -1  # the output may grow to here, beyond it the bytes are stored as they are
    if n > 0:
        e = o + n
        if n < 256:
            e += 96
        if S[4]:
            j = 324
            while S[j] < 256:
                d[o] = S[j]
                o += 1
                j += 1
        g = 0  # what waits at i - 1: nothing, 1 a literal, else a match of this length
        q = i  # nothing is looked for before this place: a match covers it
        D = G = 0
        while i <= b and o <= e:
            l = 0
            if b - i > 2:
                h = 448 + (((r[i] * 37 + r[i + 1]) * 37 + r[i + 2]) * w & S[6])
                x = b - i
                if x > 257:
                    x = 257
                k = w - 1
                if i < q:
                    k = -1
                while k >= 0:
                    p = S[h + k]
                    c = i - p & M
                    if c > 0 and c + n <= M + 1:
                        j = 0
                        while j < x and r[p + j & M] == r[i + j]:
                            j += 1
                        if j > l or (j == l and c < D):
                            l = j
                            D = c
                    k -= 1
                S[h + (i & w - 1)] = i
            if i >= q:
                s = -1
                v = m = 0
                c = G
                if g > 2 and l <= g:
                    s = 257
                    v = g - 3
                    m = 7
                    q = i - 1 + g
                    g = 0
                else:
                    if g:
                        s = 0
                        v = r[i - 1]
                        m = 255
                    g = 1
                    if l > 2:
                        g = l
                        G = D
                while s >= 0:
                    x = 0
                    while v >> x > m:
                        x += 1
                    k = S[8 + s + (m + 1 >> 1) * x + (v >> x)]
                    u |= (k >> 4 | (v & (1 << x) - 1) << (k & 15)) << t
                    t += (k & 15) + x
                    while t > 7:
                        d[o] = u & 255
                        o += 1
                        u >>= 8
                        t -= 8
                    if s == 257:
                        s = 286
                        v = c - 1
                        m = 3
                    else:
                        s = -1
            i += 1
    if o <= e:
        S[4] = 0
    else:
        o = S[1]
        u = S[2]
        t = S[3]
        if S[4] == 0:
            k = S[264]
            u |= k >> 4 << t
            t += k & 15
        if n < 0:
            u |= 3 << t
            t += 7
        t += 3
        while t > 0:
            d[o] = u & 255
            o += 1
            u >>= 8
            t -= 8
        t = 0
        S[4] = 1
        if n > 0:
            d[o] = n & 255
            d[o + 1] = n >> 8
            d[o + 2] = n & 255 ^ 255
            d[o + 3] = n >> 8 ^ 255
            o += 4
            i = b - n
            while i < b:
                d[o] = r[i]
                o += 1
                i += 1
    if n > 0:
        S[0] = b & M
    S[1] = o
    S[2] = u
    S[3] = t
    return o
