// Runs a TypeScript file of this folder: node test/bench/run.mjs test/bench/deflate-ratios.ts
import { pathToFileURL } from 'node:url';
import { runnerImport } from 'vite';

await runnerImport(pathToFileURL(process.argv[2]).href, { configFile: false, logLevel: 'error' });
