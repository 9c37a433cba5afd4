# Reads a raw deflate stream by the older module; window 2**size.
def inflating(source, size):
    return zlib.DecompIO(source, -size)
