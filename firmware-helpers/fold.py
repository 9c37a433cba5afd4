# Is this still the tree of the last backup? Sends no files, only folders' names and after each
# folder an exclusive-or over the hashes of its entries, whatever their order. `shallow_job` then
# lists single folders without going deeper.
def fold(path):
    hashed = bytearray(32)
    def visit(path, item):
        hasher = new_hash(path + b'\0')
        if item[1] & 16384:
            put_number(len(item[0]))
            put_bytes(item[0])
            fold(path)
        else:
            hasher.update(file_digest(path))
        index = 0
        for byte in hasher.digest():
            hashed[index] ^= byte
            index += 1
    error = walk(path, visit)
    put_number(0)
    put_number(error)
    put_bytes(hashed[:16])
def fold_job(roots):
    prepare(1)
    for path in roots:
        fold(path)
def shallow_job(roots, mode):
    prepare(mode)
    def visit(path, item):
        if item[1] & 16384:
            put_number(len(item[0]))
            put_bytes(item[0] + b'\0\0\0')
        else:
            list_entry(path, item)
    for path in roots:
        put_bytes(b'\0\0')
        error = walk(path, visit)
        put_number(0)
        put_number(error)
