# The first questions for boards too small for probe.py (a micro:bit): every exec under 1,000 bytes,
# no name space of its own, answers as text. What tiny-list.py needs besides is os.size.
import os, gc, machine, sys
gc.collect()
print('~', [sys.implementation[:], sys.platform, os.uname()[:], machine.unique_id(), hasattr(os, 'size'), gc.mem_free()])
