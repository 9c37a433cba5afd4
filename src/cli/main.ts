#!/usr/bin/env node
/** The command. Everything it needs beyond argv is loaded when a command asks for it. */
import { runCommandLine } from './run.js';

await runCommandLine(process.argv.slice(2));
