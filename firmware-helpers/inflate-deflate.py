# Reads a raw deflate stream; window 2**size.
def inflating(source, size):
    return deflate.DeflateIO(source, deflate.RAW, size)
