# Up the wire. A frame: eight bytes with their high bit set (length 2, number, check 4, sum), masks,
# the payload turned by them. No byte of it is 2, 3, 4 or 13, so Ctrl-C stays armed and nothing of a
# file can end or start a program. Every piece taken out of the ring is acknowledged at once (frame
# and bytes of it so far), before anything is written. After damage the line is emptied, one
# acknowledgement says so, and every byte is passed over up to the head of the frame that is wanted.
# README.md has it all.
results_base = told = -1
head = bytearray(8)
single = bytearray(1)
answer = bytearray(16)
scratch_view = memoryview(scratch)
stdin = getattr(sys.stdin, 'buffer', sys.stdin)
take_in = stdin.readinto
try:
    poll = select.poll()
    poll.register(sys.stdin, 1)
    ready = poll.poll
except Exception:
    def ready(limit):
        return limit > 60
# How far the host's frames have come: the number of the one that is wanted, in the sequence number
# the bytes of it so far. Where more operations are done than were told, how many as well.
def tell(length):
    global sequence, told
    number = len(results)
    sequence = taken
    if number != told and length < 2:
        length = 4
    told = number
    answer[6:10] = bytes((expected, (damages if length == 2 else errors) & 255, number >> 8 & 255, number & 255))
    write_frame(1, answer, length)
# Turns the payload back: its first byte by the first mask, its second by the second, and so on. The
# numbers that do it at once are as long as the payload; a short one needs none.
def turn(holder):
    number = (len(holder) + 240) // 241
    value = bytes(holder[:number])
    item = holder[number:]
    length = len(item)
    if number > 1:
        item[:] = (int.from_bytes(item, 'big') ^ int.from_bytes((value * 240)[:length], 'big')).to_bytes(length, 'big')
    elif value[0]:
        for index in range(length):
            item[index] ^= value[0]
# Takes frames out of the line into what is spare. With patience it yields after each whole one;
# without, where nothing has come, the credit is spent, or nothing is spare.
def receiving():
    global expected, taken, damages, credit
    lost = index = 0
    while 1:
        if credit < 8 or not ready(patience >> lost):
            if not patience:
                yield
                continue
            index += 1
            if index > 60:
                raise OSError(110)
            for byte in dogs:
                byte.feed()
            tell(2 if lost else 4)
            continue
        if lost:
            head[:7] = head[1:]
            take_in(single)
            head[7] = single[0]
            if head[7] < 128 or head[2] != expected | 128:
                continue
        else:
            take_in(head)
        credit -= 8
        filling = spare[0]
        v = [byte & 127 for byte in head]
        length = v[0] << 7 | v[1]
        if sum(v) - v[7] & 127 == v[7] and length <= len(filling):
            lost = index = number = 0
            while number < length:
                if credit < 1 or not ready(5 * patience):
                    if patience:
                        break
                    yield
                    continue
                size = min(piece, length - number, credit)
                take_in(filling[number:number + size])
                number += size
                credit -= size
                if v[2] == expected:
                    taken = number + 8
                    tell(1)
            if number == length and v[3] << 21 | v[4] << 14 | v[5] << 7 | v[6] == frame_check(filling[:length], nonce + v[2]) & 0xfffffff:
                if v[2] - expected & 64:
                    continue
                if v[2] == expected:
                    taken = 0
                    expected = expected + 1 & 127
                    turn(filling[:length])
                    arrived.append((spare.pop(0), (length + 240) // 241, length))
                    if patience or not spare:
                        yield
                    continue
        if not lost:
            while ready(30):
                take_in(single)
            lost = 1
            taken = 0
            damages += 1
            tell(2)
# Before an operation on the flash that may hold the board up: what waits in the ring is taken and
# acknowledged, so that all of the ring is there for what the host sends meanwhile. Within a file any
# write may erase; elsewhere it is not worth it where something was said less than `limit` ms ago.
def gather(limit):
    global patience, credit
    if spare and time.ticks_diff(time.ticks_ms(), last_alive) >= limit:
        patience = 0
        credit = 2 * piece
        next(receiver)
class Inbox(io.IOBase):
    def readinto(self, holder):
        global inbox_at, inbox_end, inbox, patience, credit
        if inbox_at == inbox_end:
            spare.append(inbox)
            if not arrived:
                patience = 200
                credit = 1 << 20
                next(receiver)
            inbox, inbox_at, inbox_end = arrived.pop(0)
            keep_alive()
        length = min(len(holder), inbox_end - inbox_at)
        if length == 1:
            holder[0] = inbox[inbox_at]
        else:
            holder[:length] = inbox[inbox_at:inbox_at + length]
        inbox_at += length
        return length
def fetch(length):
    holder = bytearray(length)
    number = 0
    while number < length:
        number += source.readinto(memoryview(holder)[number:])
    return bytes(holder)
def fetch_number():
    value = number = 0
    while 1:
        byte = fetch(1)[0]
        value |= (byte & 127) << number
        if byte < 128:
            return value
        number += 7
def put_file(path):
    error = 0
    size = fetch_number()
    try:
        opened = open(path, 'wb')
    except Exception as problem:
        error = number_of(problem)
    gather(3)
    while size:
        length = source.readinto(scratch_view[:min(size, 256)])
        size -= length
        if not error:
            try:
                opened.write(scratch_view[:length])
            except Exception as problem:
                error = number_of(problem)
                opened.close()
        if size:
            gather(0)
    try:
        if not error:
            opened.close()
            running.update(file_digest(path))
    except Exception as problem:
        error = number_of(problem)
    if error:
        try:
            os.remove(path)
        except Exception:
            pass
    return error
def step():
    global running
    kind = fetch(1)[0]
    if not kind:
        return -1
    if kind == 6:
        item = running.digest()
        running = new_hash()
        return item != fetch(len(item)) and 251
    path = fetch(fetch_number())
    if kind == 9:
        return set_time(path, fetch_number())
    if kind == 2:
        return put_file(path)
    try:
        if kind == 1:
            os.mkdir(path)
        elif kind == 4:
            os.remove(path)
        elif kind == 5:
            os.rmdir(path)
        elif kind == 7:
            item = fetch(len(new_hash().digest()))
            if file_digest(path) != item:
                return 251
        else:
            item = fetch(fetch_number())
            try:
                os.rename(path, item)
            except Exception:
                if kind == 10:
                    raise
                os.stat(path)
                os.remove(item)
                os.rename(path, item)
            if kind == 8:
                running.update(file_digest(item))
    except Exception as problem:
        number = number_of(problem)
        if not (kind == 1 and number == 17 or 3 < kind < 6 and number == 2):
            return number
    return 0
def apply_job(size, room, stop, ring, base, count):
    global inbox, spare, inbox_at, inbox_end, arrived, expected, taken, damages, errors, source, results, results_base, piece, running, receiver
    spare = [memoryview(bytearray(room)) for index in range(count)]
    inbox = spare.pop()
    arrived = []
    inbox_at = inbox_end = expected = taken = damages = errors = 0
    piece = ring
    results = bytearray()
    results_base = base
    running = new_hash()
    receiver = receiving()
    source = Inbox()
    if size:
        source = inflating(source, size)
    while 1:
        error = step()
        if error < 0:
            break
        results.append(error)
        gather(3)
        keep_alive()
        if error:
            errors += 1
            answer[6:9] = bytes((len(results) >> 8 & 255, len(results) & 255, error))
            write_frame(1, answer, 3)
            if stop or error == 251:
                while ready(60):
                    take_in(single)
                break
    if hasattr(os, 'sync'):
        os.sync()
    tell(4)
