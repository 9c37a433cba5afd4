# Temporary names that an upload left go away, folders with all that is in them. A listing is read
# to its end before the next one, and no more than twenty names are held.
def wipe(path):
    try:
        os.remove(path)
    except OSError:
        names = 1
        while names:
            names = []
            for item in list_folder(path):
                if len(names) < 20:
                    names.append(item[0])
            for item in names:
                for byte in dogs:
                    byte.feed()
                wipe(path + b'/' + item)
        os.rmdir(path)
def wipe_all(roots):
    for path in roots:
        try:
            wipe(path)
        except OSError:
            pass
