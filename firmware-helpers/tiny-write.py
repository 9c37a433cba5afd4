# Writes a file piece by piece. A piece is written once, in its turn, and only when its sum is right;
# the answer is the number of the next one, or an error number with a minus.
def _belay(index, hashed, item):
    global _belay_next
    number = index & 255
    for byte in item:
        number = (number * 33 ^ byte) & 0xffff
    try:
        if number == hashed and index == _belay_next:
            _belay_file.write(item)
            _belay_next += 1
        print('~', _belay_next)
    except OSError as problem:
        print('~', -problem.args[0])
