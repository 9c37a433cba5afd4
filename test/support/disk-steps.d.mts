export interface DiskStep {
  /** A function of node:fs/promises, or `handle.` and a method. */
  readonly name: string;
  readonly path: string;
  /** False for questions: they leave the disk as it is. */
  readonly changes: boolean;
}

export function installDiskSteps(options: {
  readonly under: string;
  readonly before?: (step: DiskStep) => void | Promise<void>;
  readonly after?: (step: DiskStep) => void | Promise<void>;
}): Promise<() => void>;
