/** Names that FAT cannot hold (FatFs, ff.c: create_name). Pure. */

const REFUSED = '"*:<>?|';

/** Why the name cannot stand on a FAT file system; null where it can. */
export function fatNameProblem(name: string): string | null {
  const odd = [...name].find((char) => REFUSED.includes(char) || char < ' ' || char === '\x7f');
  if (odd !== undefined) return `FAT allows no ${JSON.stringify(odd)} in a name`;
  return /[. ]$/.test(name) ? 'FAT keeps no dot or space at the end of a name' : null;
}
