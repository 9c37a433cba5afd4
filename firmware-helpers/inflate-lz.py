# For boards that cannot inflate: reads the tokens of src/device/upload-lz.ts. What was made stays in
# `made`, 2**size bytes and room for a block, so that every match is a slice of it.
class Unpacked:
    def readinto(self, holder):
        global made_at
        if made_at == made_end:
            unpack()
        length = min(len(holder), made_end - made_at)
        holder[:length] = made[made_at:made_at + length]
        made_at += length
        return length
def fill(holder):
    while holder:
        holder = holder[packed_source.readinto(holder):]
def unpack():
    global made_at, made_end
    end = made_end
    size = len(made) - 1024
    if end > size:
        made[:size] = made[end - size:end]
        end = size
    made_at = end
    fill(tokens[:2])
    length = tokens[0] << 8 | tokens[1]
    index = 0
    if length > 32767:
        length -= 32768
        fill(made[end:end + length])
        end += length
        length = 0
    fill(tokens[:length])
    while index < length:
        number = tokens[index]
        index += 1
        if 127 < number < 192:
            number -= 127
            made[end:end + number] = tokens[index:index + number]
            index += number
        else:
            if number < 128:
                back = (number & 15) << 8 | tokens[index]
                number = (number >> 4) + 3
            else:
                back = tokens[index] << 8 | tokens[index + 1]
                number -= 188
                index += 1
            index += 1
            made[end:end + number] = made[end - back:end - back + number]
        end += number
    made_end = end
def inflating(source, size):
    global packed_source, made, made_at, made_end, tokens
    packed_source = source
    made = memoryview(bytearray((1 << size) + 1024))
    tokens = memoryview(bytearray(1024))
    made_at = made_end = 0
    return Unpacked()
