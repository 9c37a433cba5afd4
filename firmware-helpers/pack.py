# The stream through the encoder of deflate.py: what would fill a frame fills the ring instead, step
# by step, and what comes out fills the frames. README.md has the format, deflate.md the encoder.
# The encoder's text is tried twice, as native code and as bytecode; then a timed kilobyte says
# whether it is right and fast enough. Anything amiss means a plain stream.
bring('array')
def load_encoder(text, size, slots, ways, checksum, limit):
    global pack_state, ring, packed, packed_view, pack_bytes, pack_time
    pack_time = 0
    try:
        pack_state = array.array('H', bytes(2 * (448 + slots * ways)))
        ring = bytearray(size)
        pack_bytes = min(size >> 3, 1024)
        packed = bytearray(pack_bytes + 1135)
        packed_view = memoryview(packed)
        try:
            exec(text, globals())
        except Exception:
            exec(text.replace('@micropython.viper\n', ''), globals())
        pack_state[5] = size - 1
        pack_state[6] = (slots - 1) * ways
        pack_state[7] = ways - 1
        compress_codes(pack_state)
        text = text[:1024].encode()
        for first in 1, 2:
            compress(ring, 0, packed, pack_state)
            for position in 1, 2, 3:
                pack_state[position] = 0
            pack_state[4] = 1
            start = time.ticks_us()
            while pack_state[0] < 1024:
                position = pack_state[0]
                ring[position:position + pack_bytes] = text[position:position + pack_bytes]
                compress(ring, pack_bytes, packed, pack_state)
            start = time.ticks_diff(time.ticks_us(), start)
            if start < limit and _(packed_view[:pack_state[1]]) == checksum:
                pack_time = start + 1
                break
    except Exception:
        pass
def pack_step():
    global sequence, position, frame_end
    if position > pack_state[0]:
        compress(ring, position - pack_state[0], packed, pack_state)
    position = pack_state[0]
    frame_end = position + pack_bytes
    pack_frames()
def pack_frames():
    global sequence
    while pack_state[1] >= pack_end:
        if is_wanted():
            pack_frame[6:pack_end] = packed_view[6:pack_end]
            write_frame(0, pack_frame, pack_end - 6)
        keep_alive()
        sequence += 1
        length = pack_state[1] - pack_end + 6
        packed[6:length] = packed_view[pack_end:pack_state[1]]
        pack_state[1] = length
def pack_digest():
    global position, frame_end, first
    plain_digest()
    first += 1
    if first & 3:
        return
    pack_step()
    compress(ring, 0, packed, pack_state)
    position = 0
    frame_end = pack_bytes
    put_number(sequence * (pack_end - 6) + pack_state[1] - 6)
    put_bytes((pack_state[2], pack_state[3] | pack_state[4] << 3))
plain_digest = end_digest
plain_done = frame_done
def pack_job(run, run_with, value, length):
    global buffer, view, position, frame_end, frame_done, end_digest, pack_frame, pack_end, first
    if not pack_time:
        put_bytes(b'\xff')
        return run(*run_with)
    compress(ring, 0, packed, pack_state)
    pack_state[1] = position
    pack_state[2] = value
    pack_state[3] = length & 7
    pack_state[4] = length >> 3
    pack_frame = buffer
    pack_end = frame_end
    first = -1
    buffer = ring
    view = memoryview(ring)
    number = sequence + position
    position = 0
    frame_end = pack_bytes
    frame_done = pack_step
    end_digest = pack_digest
    try:
        if number == 6:
            put_number(pack_time)
        run(*run_with)
        pack_step()
        compress(ring, -1, packed, pack_state)
        pack_frames()
    finally:
        frame_done = plain_done
        end_digest = plain_digest
        buffer = pack_frame
        view = memoryview(buffer)
        frame_end = pack_end
        position = pack_state[1]
    buffer[6:position] = packed_view[6:position]
