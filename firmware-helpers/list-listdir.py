# One folder where there is no ilistdir: names and a stat of each, as tuples of name and kind.
def list_folder(path):
    for item in os.listdir(path.decode()):
        item = item.encode()
        yield item, os.stat(path + b'/' + item)[0]
