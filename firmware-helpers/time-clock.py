# --preserve-times where a file takes its time from the board's clock. LittleFS keeps the moment of
# opening or of the last write, FAT that of closing: the clock is set before each of them, so that a
# long file is not dated by how long it took. The host reads the clock before and puts it right
# afterwards, both at the start of a second. A weekday counts from 0 or (stm32) from 1.
clock = machine.RTC()
weekday = clock.datetime()[3] - time.localtime()[6]
plain_open = open
stamp = 0
def nap(limit):
    start = time.ticks_ms()
    while time.ticks_diff(time.ticks_ms(), start) < limit:
        for byte in dogs:
            byte.feed()
        time.sleep_ms(1)
def read_clock():
    value = time.time()
    for index in range(300):
        if time.time() != value:
            break
        nap(5)
    print('~', time.time())
def set_clock(moment):
    try:
        item = time.localtime(moment)
        clock.datetime(item[:3] + (item[6] + weekday,) + item[3:6] + (0,))
    except Exception:
        pass
def right_clock(limit, moment):
    global stamp
    stamp = 0
    nap(limit)
    set_clock(moment)
    print('~', time.time())
class Stamped:
    def __init__(self, path):
        set_clock(stamp)
        self.opened = plain_open(path, 'wb')
    def write(self, item):
        set_clock(stamp)
        return self.opened.write(item)
    def close(self):
        set_clock(stamp)
        self.opened.close()
def open(path, mode):
    return Stamped(path) if stamp and mode == 'wb' else plain_open(path, mode)
def set_time(path, moment):
    global stamp
    stamp = moment
    return 0
