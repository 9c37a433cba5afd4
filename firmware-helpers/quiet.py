# Silences what the user's program prints from now on (from a timer, in a callback); what prints for
# us keeps its own. `speak` gives the user's back.
import builtins
print = builtins.print
def speak():
    builtins.print = print
try:
    builtins.print = lambda *item, **value: None
except Exception:
    pass
