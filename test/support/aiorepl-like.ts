/**
 * A main.py that offers a prompt of its own, as micropython-lib's aiorepl does, without asyncio (this
 * build's belongs to JavaScript): Ctrl-C is a key like any other, Ctrl-A leads to an imitation of raw
 * mode whose Ctrl-D never resets, Ctrl-D ends it. Whatever passes here passed with aiorepl.py itself
 * on MicroPython's own asyncio, put on the virtual board by hand.
 */
export const AIOREPL_LIKE = `import sys, micropython, select
write = sys.stdout.write
stdin = sys.stdin
poll = select.poll()
poll.register(stdin, 1)
BANNER = 'raw REPL; CTRL-B to exit\\n'
others = 0

def key():
    global others
    while not poll.poll(5):
        others += 1
    return stdin.read(1)

def paste():
    write('R\\x01\\x00\\x02\\x01')
    text = ''
    while True:
        for _ in range(512):
            c = stdin.read(1)
            if c in '\\x03\\x04':
                write('\\x04')
                return text
            text += c
        write('\\x01')

def raw():
    write(BANNER)
    while True:
        write('>')
        line = ''
        while True:
            c = stdin.read(1)
            if c == '\\x01':
                if line == '\\x05A':
                    line = paste()
                    break
                line = ''
                write(BANNER + '>')
            elif c == '\\x02':
                write('\\n')
                return
            elif c == '\\x03':
                line = ''
            elif c == '\\x04':
                write('OK')
                break
            else:
                line += c
        if not line:
            write('Ignored: soft reboot\\n' + BANNER)
        try:
            exec(line, globals())
            write('\\x04')
        except Exception as e:
            write('\\x04')
            sys.print_exception(e)
        write('\\x04')

def run(line):
    try:
        micropython.kbd_intr(3)
        try:
            print(eval(line, globals()))
        except SyntaxError:
            exec(line, globals())
    except KeyboardInterrupt:
        pass
    except Exception as e:
        print(e)
    finally:
        micropython.kbd_intr(-1)

def task():
    print('Starting asyncio REPL...')
    micropython.kbd_intr(-1)
    try:
        while True:
            write('--> ')
            line = ''
            pasting = False
            while True:
                c = key()
                if c == '\\x05':
                    pasting = True
                    write('paste mode; Ctrl-C to cancel, Ctrl-D to finish\\n===\\n')
                elif c in '\\r\\n' and not pasting:
                    write('\\n')
                    if line:
                        run(line)
                    break
                elif c == '\\x01':
                    raw()
                    break
                elif c == '\\x03':
                    write('\\n')
                    break
                elif c == '\\x04':
                    if pasting:
                        run(line)
                        break
                    write('\\n')
                    return
                elif c >= ' ' or pasting:
                    write(c)
                    line += c
    finally:
        micropython.kbd_intr(3)

task()
`;
