# --preserve-times where the firmware has os.utime: CircuitPython. After the file has its name.
def set_time(path, moment):
    try:
        os.utime(path, (moment, moment))
    except Exception:
        pass
    return 0
