# The check of frames and paths where there is nothing faster: Fletcher-16 begun with the nonce.
def frame_check(holder, start):
    value = start % 255
    number = (start >> 8) % 255
    for byte in holder:
        value = (value + byte) % 255
        number = (number + value) % 255
    return number << 8 | value
