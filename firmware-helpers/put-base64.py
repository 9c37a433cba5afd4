# A line of base64 for each frame.
def put(holder):
    print(binascii.b2a_base64(holder).decode(), end="")
