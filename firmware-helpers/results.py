# The error numbers of an upload that was begun with this number, for what was lost on the way.
def results_job(base):
    if results_base == base:
        put_bytes(results)
