# The listing: for every name its length, itself (nothing for a root), then 0 for a folder, 1 and an
# error number, or size + 2, the time as a difference to the one before and, where asked, sha256.
# What is in a folder follows at once and ends with 0 and the folder's error number (0: complete).
def list_entry(path, item):
    global last_modified
    put_number(len(item[0]))
    put_bytes(item[0])
    if item[1] & 16384:
        put_number(0)
        error = walk(path, list_entry)
        put_number(0)
        put_number(error)
        return
    try:
        item = os.stat(path)
        hashed = file_digest(path) if want_hash else b''
    except Exception as problem:
        put_number(1)
        put_number(number_of(problem))
        return
    put_number(item[6] + 2)
    value = item[8] - last_modified
    last_modified = item[8]
    put_number(value << 1 if value >= 0 else -1 - (value << 1))
    put_bytes(hashed)
def prepare(mode):
    global want_hash, last_modified
    want_hash = mode
    last_modified = 0
def list_job(roots, mode):
    prepare(mode)
    visit_roots(roots, list_entry)
