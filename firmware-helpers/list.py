# The listing: for every name its length, itself, then 0 for a folder, 1 and an error number, or
# size + 2, the time as a difference to the one before and, where asked, sha256. What is in a folder
# follows at once and ends with 0 and the folder's error number (0: complete).
last_modified = 0
def list_entry(path, item):
    put_bytes((len(item[0]),))
    put_bytes(item[0])
    list_content(path, item[1])
def list_content(path, kind):
    global last_modified
    if kind & 16384:
        put_number(0)
        error = walk(path, list_entry)
        put_bytes(b'\0')
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
    global want_hash, scratch, last_modified
    want_hash = mode
    last_modified = 0
    scratch = bytearray(mode and 1024)
def list_job(roots, mode):
    prepare(mode)
    for path in roots:
        try:
            kind = os.stat(path or b'/')[0]
        except Exception:
            kind = 0
        list_content(path, kind)
