# The check of frames and paths: four bytes of sha256 over the nonce and the bytes.
def frame_check(holder, start):
    hasher = new_hash(start.to_bytes(4, 'big'))
    hasher.update(holder)
    return int.from_bytes(hasher.digest()[:4], 'big')
