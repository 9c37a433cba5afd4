# The hash of contents where hashlib has only new().
def new_hash(holder=b''):
    return hashlib.new('sha256', holder)
