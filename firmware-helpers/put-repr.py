# A line like b'...' for each frame.
def put(holder):
    print(bytes(holder))
