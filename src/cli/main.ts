#!/usr/bin/env node
/** The command. Everything it needs beyond argv is loaded when a command asks for it. */
import { setFlagsFromString } from 'node:v8';
import { runCommandLine } from './run.js';

// A large file passes through in small pieces: V8 would let 40 MB of them pile up before it looks.
setFlagsFromString('--optimize-for-size');

await runCommandLine(process.argv.slice(2));
