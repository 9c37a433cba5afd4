/**
 * The few disk operations that an archive is made of, as a seam: tests count them, fail the n-th,
 * and lose what was not synced. Errors are Node's own (with `code`), mapped by the callers.
 */
export interface DiskFile {
  /** Fewer bytes than asked for only at the end of the file. */
  read(offset: number, length: number): Promise<Uint8Array>;
  /** All of `bytes`, at `offset`. */
  write(offset: number, bytes: Uint8Array): Promise<void>;
  truncate(sizeBytes: number): Promise<void>;
  /** Returns when the bytes have reached the medium. */
  sync(): Promise<void>;
  sizeBytes(): Promise<number>;
  close(): Promise<void>;
}

export interface Disk {
  openToRead(path: string): Promise<DiskFile>;
  /** Fails with EEXIST where the name is taken. */
  createNew(path: string): Promise<DiskFile>;
  /** Gives a finished file a further name; EEXIST where it is taken, EPERM/ENOTSUP where the file system has no links. */
  link(from: string, to: string): Promise<void>;
  /** Fails never because `to` exists. */
  rename(from: string, to: string): Promise<void>;
  exists(path: string): Promise<boolean>;
  /** Not an error where it is gone already. */
  remove(path: string): Promise<void>;
  /** Makes names in the folder durable; does nothing where the system can't (Windows). */
  syncFolder(path: string): Promise<void>;
}
