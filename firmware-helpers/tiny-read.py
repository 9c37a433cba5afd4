# A file as lines: number, two sums over the number and the bytes, the bytes. `wanted`: only those
# numbers (empty: all). The last line has two sums over the whole file, made from the bytes read.
def _belay(path, wanted):
    opened = open(path, 'rb')
    index = 0
    a = 1
    b = 0
    while 1:
        item = opened.read(64)
        if not item:
            break
        value = index & 255
        number = 0
        for byte in item:
            value = (value + byte) % 255
            number = (number + value) % 255
            a = (a + byte) % 65521
            b = (b + a) % 65521
        if not wanted or index in wanted:
            print('~', index, value, number, item)
        index += 1
    opened.close()
    print('~', index, a, b, 'end')
