# The hash of one file, in pieces; signs of life in between.
scratch = bytearray(1024)
def file_digest(path):
    hasher = new_hash()
    opened = open(path, 'rb')
    try:
        while 1:
            length = opened.readinto(scratch)
            if not length:
                break
            hasher.update(memoryview(scratch)[:length])
            keep_alive()
    finally:
        opened.close()
    return hasher.digest()
