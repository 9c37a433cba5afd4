# CRC-32 in the place of a hash, for boards without sha256.
class new_hash:
    def __init__(self, holder=b''):
        self.value = binascii.crc32(holder)
    def update(self, holder):
        self.value = binascii.crc32(holder, self.value)
    def digest(self):
        return self.value.to_bytes(4, 'big')
