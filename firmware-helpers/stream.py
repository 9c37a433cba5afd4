# Down the wire: frames, the one continuous stream inside them, and the walk. README.md has the
# framing to the byte. Variants bring `put` (how bytes leave) and `frame_check`. A data frame that fills
# its holder and is no small one has the short header, and its number in the check.
def write_frame(kind, holder, length):
    global last_alive
    start = 0
    value = nonce
    holder = memoryview(holder)
    if 1013 < length == len(holder) - 10:
        start = 5
        holder[5] = 240 | sequence & 15
        value += (sequence & 2047) * 40503
    else:
        holder[:5] = b'\xc1\xbe' + (kind << 22 | length << 11 | sequence & 2047).to_bytes(3, 'big')
        holder[5] = holder[2] + 3 * holder[3] + 5 * holder[4] + nonce & 255
    length += 6
    holder[length:length + 4] = frame_check(holder[start or 2:length], value).to_bytes(4, 'big')
    put(holder[start:length + 4])
    last_alive = time.ticks_ms()
def keep_alive():
    for byte in dogs:
        byte.feed()
    if time.ticks_diff(time.ticks_ms(), last_alive) > 400:
        write_frame(1, bytearray(10), 0)
# Behind the last frame that is wanted the job ends: what walks and reads catches no GeneratorExit.
# However many frames are lost or not wanted, a busy frame says now and then where the stream stands.
def is_wanted():
    if wanted and sequence > wanted[-1]:
        raise GeneratorExit
    if sequence & 127 == 127:
        write_frame(1, bytearray(10), 0)
    return not wanted or sequence in wanted
def frame_done():
    global sequence, position
    if is_wanted():
        write_frame(0, buffer, position - 6)
    keep_alive()
    sequence += 1
    position = 6
def put_bytes(item):
    global position
    for byte in item:
        buffer[position] = byte
        position += 1
        if position == frame_end:
            frame_done()
def put_number(value):
    while value > 127:
        put_bytes((value & 127 | 128,))
        value >>= 7
    put_bytes((value,))
def number_of(problem):
    return isinstance(problem, OSError) and problem.args[0] or 255
def walk(path, visit):
    error = 0
    try:
        for item in list_folder(path or b'/.'):
            keep_alive()
            if path + b'/' + item[0] not in skipped:
                visit(path + b'/' + item[0], item)
    except Exception as problem:
        error = number_of(problem)
    return error
def visit_roots(roots, visit):
    for path in roots:
        try:
            kind = os.stat(path or b'/')[0]
        except Exception:
            kind = 0
        visit(path, (b'', kind))
def job(run, run_with, *start):
    global nonce, sequence, position, wanted, skipped, buffer, view, frame_end
    nonce, frame_end, skipped, sequence, position, wanted = start
    write_frame(2, bytearray(10), 0)
    buffer = bytearray(frame_end + 4)
    view = memoryview(buffer)
    try:
        run(*run_with)
        while (position + 4) % 64 < 4:
            put_bytes(b'\0')
        if position > 6:
            frame_done()
    except GeneratorExit:
        pass
    for byte in b'\x01\0':
        buffer[6] = byte
        write_frame(3, buffer, 1)
