# Names and sizes; there are no folders.
import os
for name in os.listdir():
    print('~', os.size(name), repr(name))
print('~ end')
