# Sets UART 0 to another speed and back again unless the host answers at the new one.
# Before it is sent: T the new speed, F the present one. Says [s] before it changes, then [k] or [n].
def _blb():
    import umachine, uselect, usys, utime
    uart = umachine.UART
    # Bytes, not text: at the wrong speed they are no UTF-8, and text would wait for the rest.
    source = usys.stdin.buffer
    poll = uselect.poll()
    poll.register(usys.stdin, 1)
    def heard(ms):
        end = utime.ticks_add(utime.ticks_ms(), ms)
        while utime.ticks_diff(end, utime.ticks_ms()) > 0:
            if poll.poll(20) and source.read(1) == b'U':
                return True
        return False
    print('[s]')
    utime.sleep_ms(30)
    uart(0, baudrate=T)
    well = heard(W)
    while poll.poll(30):
        source.read(1)
    if not well:
        uart(0, baudrate=F)
        utime.sleep_ms(60)
    print('[k]' if well else '[n]')
_blb()
del _blb
