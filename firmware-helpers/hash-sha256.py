# The hash of contents.
new_hash = hashlib.sha256
