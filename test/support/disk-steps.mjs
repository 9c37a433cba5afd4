/**
 * Counts what a program does to the files below one folder, from outside its code: every function
 * of node:fs/promises and every method of its file handles passes here first. A test makes the
 * n-th operation fail, or ends the process there. Plain JavaScript, so that
 * `node --import disk-preload.mjs` can put it under the built command.
 */
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { resolve } from 'node:path';

const promises = createRequire(import.meta.url)('node:fs/promises');

const CHANGES = ['appendFile', 'copyFile', 'link', 'mkdir', 'rename', 'rm', 'rmdir', 'symlink'];
const MORE_CHANGES = ['truncate', 'unlink', 'utimes', 'writeFile'];
const QUESTIONS = ['access', 'lstat', 'readFile', 'readdir', 'readlink', 'realpath', 'stat'];
const HANDLE_CHANGES = ['appendFile', 'datasync', 'sync', 'truncate', 'write', 'writeFile'];
const HANDLE_QUESTIONS = ['read', 'readFile', 'stat'];

const isFileHandle = (value) => typeof value?.fd === 'number' && typeof value.close === 'function';

/**
 * `before(step)` runs ahead of each operation and may throw in its place; `after(step)` behind each
 * that worked. A step is { name, path, changes }. Returns a function that takes it all out again.
 */
export async function installDiskSteps({ under, before = () => {}, after = () => {} }) {
  const root = resolve(under);
  const concerns = (path) => {
    if (typeof path !== 'string' && !Buffer.isBuffer(path)) return null;
    // Folders that were opened are reached as /proc/self/fd/<n>/name: nobody else knows those.
    const text = String(path);
    const full = text.startsWith('/proc/self/fd/') ? text : resolve(text);
    return full === root || full.startsWith(`${root}/`) || full.startsWith('/proc/self/fd/')
      ? full
      : null;
  };
  const undo = [];
  const paths = new WeakMap();
  const replace = (owner, name, make) => {
    const original = owner[name];
    if (typeof original !== 'function') return;
    owner[name] = make(original);
    undo.push(() => {
      owner[name] = original;
    });
  };
  const wrap = (owner, names, changes) => {
    for (const name of names) {
      replace(
        owner,
        name,
        (original) =>
          async function step(...args) {
            const path = isFileHandle(this)
              ? (paths.get(this) ?? null)
              : (concerns(args[0]) ?? concerns(args[1]));
            if (path === null) return original.apply(this, args);
            const to = ['rename', 'link'].includes(name) ? String(args[1]) : path;
            const info = { name: isFileHandle(this) ? `handle.${name}` : name, path: to, changes };
            await before(info);
            const result = await original.apply(this, args);
            await after(info);
            return result;
          },
      );
    }
  };
  const sample = await promises.open(process.execPath, 'r');
  const handle = Object.getPrototypeOf(sample);
  await sample.close();
  wrap(promises, [...CHANGES, ...MORE_CHANGES], true);
  wrap(promises, QUESTIONS, false);
  wrap(handle, HANDLE_CHANGES, true);
  wrap(handle, HANDLE_QUESTIONS, false);
  replace(
    promises,
    'open',
    (original) =>
      async function step(...args) {
        const path = concerns(args[0]);
        if (path === null) return original.apply(this, args);
        const flags = args[1] ?? 'r';
        const changes = typeof flags === 'string' ? /[wax+]/.test(flags) : (flags & 0o103) !== 0;
        const info = { name: 'open', path, changes };
        await before(info);
        const opened = await original.apply(this, args);
        paths.set(opened, path);
        try {
          await after(info);
        } catch (error) {
          await opened.close();
          throw error;
        }
        return opened;
      },
  );
  replace(
    handle,
    'close',
    (original) =>
      async function step(...args) {
        const path = paths.get(this) ?? null;
        if (path === null) return original.apply(this, args);
        const info = { name: 'handle.close', path, changes: false };
        let failure = null;
        try {
          await before(info);
        } catch (error) {
          failure = error;
        }
        // A close that reports a failure has closed the file all the same.
        await original.apply(this, args);
        if (failure !== null) throw failure;
        await after(info);
      },
  );
  syncBuiltinESMExports();
  return () => {
    for (const each of undo.reverse()) each();
    syncBuiltinESMExports();
  };
}
