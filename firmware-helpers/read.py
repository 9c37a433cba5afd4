# The files that `selection` (one bit a file, in the order of the walk) asks for: size + 2, three
# bytes that name the path, the content, 0 or the number of what went wrong (then the file comes again,
# three times at most). 1, the path's bytes and an error number stand for a file that cannot be
# opened. After 32 kB, at a file's end, comes the sha256 of all content since the last one.
def send_file(path):
    global position, since_digest
    for index in b'123':
        error = 0
        mark = frame_check(path, 0).to_bytes(4, 'big')[1:]
        try:
            item = os.stat(path)
            opened = open(path, 'rb')
        except Exception as problem:
            put_number(1)
            put_bytes(mark)
            put_number(number_of(problem))
            return
        size = item[6]
        put_number(size + 2)
        put_bytes(mark)
        since_digest += size
        while size:
            length = min(frame_end - position, size)
            try:
                number = opened.readinto(view[position:position + length])
            except Exception as problem:
                number = 0
                error = number_of(problem)
            if not number:
                number = length
                error = error or 1
            content_hash.update(view[position:position + number])
            size -= number
            position += number
            if position == frame_end:
                frame_done()
        opened.close()
        try:
            value = os.stat(path)
            if value[6] != item[6] or value[8] != item[8]:
                error = 1
        except Exception as problem:
            error = number_of(problem)
        put_number(error)
        if not error:
            break
    if since_digest > 32767:
        end_digest()
def end_digest():
    global content_hash, since_digest
    if content_hash:
        put_bytes(content_hash.digest())
    content_hash = new_hash()
    since_digest = 0
def read_entry(path, item):
    global index
    if item[1] & 16384:
        walk(path, read_entry)
    else:
        if index >> 3 < len(selection) and selection[index >> 3] >> (index & 7) & 1:
            send_file(path)
        index += 1
def read_job(roots, bits):
    global index, selection, content_hash
    index = 0
    selection = bits
    content_hash = None
    end_digest()
    visit_roots(roots, read_entry)
    put_number(0)
    if since_digest:
        end_digest()
