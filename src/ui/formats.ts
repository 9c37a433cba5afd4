/** Numbers as people read them. Decimal units (1 kB = 1000 B), three significant digits at most. */

const UNITS = ['kB', 'MB', 'GB', 'TB'] as const;

/** `0 B`, `999 B`, `1.23 kB`, `12.3 kB`, `123 kB`, `4.56 MB`. */
export function formatBytes(sizeBytes: number): string {
  const size = Math.max(0, Number.isFinite(sizeBytes) ? sizeBytes : 0);
  if (size < 999.5) return `${Math.round(size)} B`;
  let value = size / 1000;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return `${value.toFixed(digits)} ${UNITS[unit] as string}`;
}

/** `10.9 kB/s`. */
export function formatRate(bytesPerSecond: number): string {
  return `${formatBytes(bytesPerSecond)}/s`;
}

/** `0.3 s`, `12 s`, `1 min 05 s`, `2 h 03 min`, `3 d 4 h`. */
export function formatDuration(durationMs: number): string {
  const ms = Math.max(0, Number.isFinite(durationMs) ? durationMs : 0);
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${pad(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${pad(minutes % 60)} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Time left, for a place that changes every second: `0:04`, `12:31`, `1:02:03`. */
export function formatTimeLeft(etaMs: number): string {
  const seconds = Math.max(0, Math.ceil((Number.isFinite(etaMs) ? etaMs : 0) / 1000));
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const tail = `${hours > 0 ? pad(minutes) : minutes}:${pad(seconds % 60)}`;
  return hours > 0 ? `${hours}:${tail}` : tail;
}

/**
 * `2026-11-20 12:21:11`, in the offset that held where the backup was made, so that a listing says
 * the same on every computer. What is no date is given back as it came.
 */
export function formatWhen(isoUtc: string, utcOffsetMinutes: number): string {
  const at = Date.parse(isoUtc);
  if (Number.isNaN(at)) return isoUtc;
  return new Date(at + utcOffsetMinutes * 60_000).toISOString().slice(0, 19).replace('T', ' ');
}

/** `1 file`, `3 files`, `0 folders`. */
export function countOf(count: number, singular: string, plural = `${singular}s`): string {
  return `${count} ${count === 1 ? singular : plural}`;
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}
