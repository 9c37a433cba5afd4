# No hash at all: what is read is read twice and compared by the host.
class new_hash:
    def __init__(self, holder=b''):
        pass
    def update(self, holder):
        pass
    def digest(self):
        return b''
