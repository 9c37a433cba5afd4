/** Bounds that several rooms share. Each is a promise: nothing waits, grows or recurses beyond. */

/** LittleFS and FAT long names end here (lib/littlefs/lfs2.h, ffconf.h). */
export const NAME_BYTES_MAX = 255;
/** Whole path on a board, in bytes. */
export const PATH_BYTES_MAX = 4096;
/** Folders inside folders. */
export const PATH_DEPTH_MAX = 1024;
/** Files and folders in one tree. */
export const TREE_ENTRIES_MAX = 1_000_000;
/** Bytes of manifest.json. */
export const MANIFEST_BYTES_MAX = 128 * 1024 * 1024;
/** Silence on the wire after which a board counts as lost. */
export const SILENCE_MS_MAX = 5_000;
/** Silence where the agent has announced one long call. */
export const LONG_CALL_SILENCE_MS_MAX = 30_000;
/** How long a lost board may stay away before a job gives up. */
export const RECONNECT_MS_MAX = 10_000;
