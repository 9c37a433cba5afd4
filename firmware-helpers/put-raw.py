# Bytes as they are. A short write is tried once more, then the frame is left to the repair.
write_out = sys.stdout.buffer.write
def put(holder):
    length = write_out(holder)
    if length and length < len(holder):
        write_out(holder[length:])
