# Asks once what this board is and can. Every question gets an answer, None or the number of the
# error, and none of them constructs anything. Built-in modules come by their `u` names where there
# are such, plain names with the search path closed: a user's own /lib/hashlib.py is never run.
# The modules and `dogs` (watchdogs that the user's code holds) stay for the parts that follow.
import sys, gc
path = sys.path[:]
sys.path[:] = ['/.']
for name in 'os time hashlib binascii machine vfs microcontroller select deflate zlib io array'.split():
    for item in 'u' + name, name:
        try:
            globals()[name] = __import__(item)
            break
        except Exception:
            pass
sys.path[:] = path
dogs = []
answers = []
for text in """sys.implementation[:]
sys.platform
len(sys.implementation)<3 and os.uname()[:]
machine.unique_id()
microcontroller.cpu.uid
time.localtime(0)[0]
gc.collect()or gc.mem_free()
[hasattr(binascii,z)for z in('crc32','b2a_base64')]
[hasattr(hashlib,z)for z in('sha256','new')]
[hasattr(os,z)for z in('ilistdir','sync')]
[hasattr(z,'buffer')for z in(sys.stdin,sys.stdout)]
hasattr(deflate,'DeflateIO')
hasattr(zlib,'decompress')
os.statvfs('/')
[(z[1],str(z[0])[1:9],os.statvfs(z[1]))for z in vfs.mount()]
[(z[0],os.statvfs('/'+z[0]))for z in os.ilistdir('/')if len(z)<4 and os.statvfs('/'+z[0])!=os.statvfs('/')]
dogs.extend(o for c in[_m]+[z.__dict__ for z in sys.modules.values()]for o in c.values()if'WDT'in str(type(o)))or len(dogs)
os.stat('/*')""".split('\n'):
    try:
        item = eval(text)
    except OSError as problem:
        item = problem.args[0]
    except Exception:
        item = None
    answers.append(item)
text = repr(answers)
print('~', _(text.encode()), text)
