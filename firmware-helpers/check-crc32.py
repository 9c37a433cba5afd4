# The check of frames and paths: CRC-32, for frames continued from the nonce.
frame_check = binascii.crc32
