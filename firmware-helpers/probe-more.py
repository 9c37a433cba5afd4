# What older, smaller and other firmware is asked besides: whatever probe.py left open. FAT says that
# a name with an asterisk is an invalid one (EINVAL).
bring('microcontroller zlib storage')
odd = None
try:
    os.stat('/*')
except OSError as problem:
    odd = problem.args[0]
known = answers
ask("""os.uname()[:]if len(known[0]or'')<3 else None
microcontroller.cpu.uid
[hasattr(*z)for z in((binascii,'b2a_base64'),(binascii,'hexlify'),(hashlib,'new'),(zlib,'decompress'))]
None if known[6]else os.statvfs('/')
[]if known[6]else[(z[0],os.statvfs('/'+z[0]))for z in os.ilistdir('/')if len(z)<4 and os.statvfs('/'+z[0])!=os.statvfs('/')]
odd
storage.getmount('/').readonly""")
