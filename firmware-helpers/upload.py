# Up the wire. A frame: ten bytes with their high bit set (length 2, places, number, check 4, sum,
# spare), two bytes a place, the payload. No byte of it is 3 or 4: at each place the host has turned
# bit 6, so Ctrl-C stays armed and nothing of a file can end or start a program. Every piece taken
# out of the ring is acknowledged at once (the count of bytes so far), before anything is written.
# After damage the line is emptied and one byte says so. README.md has it all.
results_base = -1
poll = select.poll()
poll.register(sys.stdin, 1)
take_in = sys.stdin.buffer.readinto
def empty_line():
    while poll.poll(60):
        take_in(single)
def tell(length, value):
    answer[6] = value >> 8 & 255
    answer[7] = value & 255
    write_frame(1, answer, length)
def receive():
    global inbox_at, inbox_end, expected, taken
    while 1:
        for number in range(20):
            if poll.poll(500):
                break
            keep_alive()
        else:
            raise OSError(110)
        take_in(head)
        taken += 10
        v = [byte & 127 for byte in head]
        length = v[0] << 7 | v[1]
        kind = v[2] * 2
        number = 0
        if sum(v[:8]) & 127 == v[8] and length + kind <= len(inbox):
            length += kind
            while number < length and poll.poll(1000):
                size = min(piece, length - number)
                take_in(inbox_view[number:number + size])
                number += size
                taken += size
                tell(2, taken)
            if number == length and v[4] << 21 | v[5] << 14 | v[6] << 7 | v[7] == frame_check(inbox_view[:length], nonce + v[3]) & 0xfffffff:
                if v[3] - expected & 64:
                    continue
                if v[3] == expected:
                    expected = expected + 1 & 127
                    for number in range(0, kind, 2):
                        inbox[kind + ((inbox[number] & 127) << 7 | inbox[number + 1] & 127)] ^= 64
                    inbox_at = kind
                    inbox_end = length
                    keep_alive()
                    return
        empty_line()
        taken = 0
        tell(1, expected << 8)
class Inbox(io.IOBase):
    def readinto(self, holder):
        global inbox_at
        if inbox_at == inbox_end:
            receive()
        length = min(len(holder), inbox_end - inbox_at)
        holder[:length] = inbox_view[inbox_at:inbox_at + length]
        inbox_at += length
        return length
def fetch(length):
    holder = bytearray(length)
    number = 0
    while number < length:
        number += source.readinto(memoryview(holder)[number:])
    return holder
def fetch_number():
    return int.from_bytes(fetch(4), 'big')
def put_file(path):
    error = 0
    size = fetch_number()
    hashed = fetch(digest_length)
    try:
        opened = open(path, 'wb')
    except Exception as problem:
        error = number_of(problem)
    while size:
        length = source.readinto(memoryview(scratch)[:min(size, len(scratch))])
        size -= length
        if not error:
            try:
                opened.write(memoryview(scratch)[:length])
            except Exception as problem:
                error = number_of(problem)
                opened.close()
    if not error:
        opened.close()
        if file_digest(path) != hashed:
            error = 251
    if error:
        try:
            os.remove(path)
        except Exception:
            pass
    return error
def step():
    kind = fetch(1)[0]
    if not kind:
        return -1
    path = bytes(fetch(fetch_number()))
    if kind == 2:
        return put_file(path)
    item = bytes(fetch(fetch_number())) if kind in (3, 6) else None
    try:
        if kind == 1:
            os.mkdir(path)
        elif kind == 3:
            try:
                os.rename(path, item)
            except Exception:
                os.stat(path)
                os.remove(item)
                os.rename(path, item)
        elif kind == 4:
            os.remove(path)
        elif kind == 5:
            os.rmdir(path)
        elif file_digest(path) != item:
            return 251
    except Exception as problem:
        number = number_of(problem)
        if not (kind == 1 and number == 17 or 3 < kind < 6 and number == 2):
            return number
    return 0
def apply_job(size, room, stop, ring, base):
    global inbox, inbox_view, inbox_at, inbox_end, expected, taken, head, single, answer, scratch, source, results, results_base, piece, digest_length
    inbox = bytearray(room)
    inbox_view = memoryview(inbox)
    inbox_at = inbox_end = expected = taken = 0
    head = bytearray(10)
    single = bytearray(1)
    answer = bytearray(14)
    scratch = bytearray(512)
    piece = ring
    results = bytearray()
    results_base = base
    digest_length = len(new_hash().digest())
    source = Inbox()
    if size:
        source = inflating(source, size)
    while 1:
        error = step()
        if error < 0:
            break
        results.append(error)
        answer[8] = error
        tell(3, len(results))
        if error and stop:
            empty_line()
            break
    if hasattr(os, 'sync'):
        os.sync()
def results_job(base):
    if results_base == base:
        put_bytes(results)
