# A line of hexadecimal digits for each frame.
def put(holder):
    print(binascii.hexlify(holder).decode())
