# Asks once what this board is and can. Every question gets an answer, if need be None, and none of
# them constructs anything. Built-in modules come by their `u` names where there
# are such, plain names with the search path closed: a user's own /lib/hashlib.py is never run.
# The modules (None where there is none), `bring`, `ask` and `dogs` (watchdogs that the user's code
# holds) stay for the parts that follow. What a current board need not be asked is in probe-more.py.
import sys, gc
def bring(text):
    path = sys.path[:]
    sys.path[:] = ['/.']
    for name in text.split():
        globals()[name] = None
        for item in 'u' + name, name:
            try:
                globals()[name] = __import__(item)
                break
            except Exception:
                pass
    sys.path[:] = path
def ask(text):
    global answers
    answers = []
    for text in text.split('\n'):
        try:
            item = eval(text)
        except Exception:
            item = None
        answers.append(item)
    text = repr(answers)
    print('~', _(text.encode()), text)
bring('os time hashlib binascii machine vfs select deflate io')
dogs = []
ask("""sys.implementation[:]
sys.platform
machine.unique_id()
time.localtime(0)[0]
gc.collect()or gc.mem_free()
[0+hasattr(*z)for z in((deflate,'DeflateIO'),(os,'ilistdir'),(os,'sync'),(hashlib,'sha256'),(binascii,'crc32'),(sys.stdin,'buffer'),(sys.stdout,'buffer'))]
[(z[1],str(z[0])[1:9],os.statvfs(z[1]))for z in vfs.mount()]
dogs.extend(o for c in[__import__('__main__')]+list(sys.modules.values())for o in c.__dict__.values()if'WDT'in type(o).__name__)or len(dogs)""")
